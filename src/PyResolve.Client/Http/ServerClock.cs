namespace PyResolve.Client;

/// <summary>
/// The server's time, as far as its answers tell: this machine's clock may be wrong by hours, and the server refuses what happens in its
/// future. A difference of less than a minute is left alone, because it may be the network's. Thread-safe.
/// </summary>
internal sealed class ServerClock(TimeProvider time)
{
    private static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(1);
    private long _skew;
    private int _isKnown;

    /// <summary>What has to be added to this machine's time; zero until an answer has shown otherwise.</summary>
    public TimeSpan Skew => TimeSpan.FromTicks(Interlocked.Read(ref _skew));

    /// <summary>Whether any answer has told it.</summary>
    public bool IsKnown => Volatile.Read(ref _isKnown) == 1;

    public DateTimeOffset Now => time.GetUtcNow() + Skew;

    /// <param name="date">The answer's <c>Date</c>.</param>
    /// <param name="asked">When the request left, by this machine's clock.</param>
    public void Learn(DateTimeOffset? date, DateTimeOffset asked)
    {
        if (date is not { } told)
            return;
        var answered = time.GetUtcNow();
        var skew = told - asked - TimeSpan.FromTicks((answered - asked).Ticks / 2);
        Interlocked.Exchange(ref _skew, skew.Duration() < Tolerance ? 0 : skew.Ticks);
        Volatile.Write(ref _isKnown, 1);
    }
}
