namespace PyResolve.Client;

/// <summary>The server's time from its answers: this machine's clock may be wrong by hours, and the server rejects events from its future.
/// Differences of less than a minute are ignored: the network may cause them. Thread-safe.</summary>
internal sealed class ServerClock(TimeProvider time)
{
    /// <summary>By how much <see cref="Now"/> may be wrong.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(1);

    private long _skew;
    private int _isKnown;

    public TimeSpan Skew => TimeSpan.FromTicks(Interlocked.Read(ref _skew));

    public bool IsKnown => Volatile.Read(ref _isKnown) == 1;

    public DateTimeOffset Now => time.GetUtcNow() + Skew;

    /// <summary>Takes the <c>Date</c> header of an answer to a request that was sent at a time of this machine's clock.</summary>
    public void Adjust(DateTimeOffset? date, DateTimeOffset sentAt)
    {
        if (date is not { } serverTime)
            return;
        var receivedAt = time.GetUtcNow();
        var skew = serverTime - sentAt - TimeSpan.FromTicks((receivedAt - sentAt).Ticks / 2);
        Interlocked.Exchange(ref _skew, skew.Duration() < Tolerance ? 0 : skew.Ticks);
        Volatile.Write(ref _isKnown, 1);
    }
}
