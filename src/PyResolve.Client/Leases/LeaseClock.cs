namespace PyResolve.Client;

/// <summary>The time for leases. This machine's clock can be set back, so that the times seen before count as well. Thread-safe.</summary>
internal sealed class LeaseClock(TimeProvider time, ServerClock serverClock)
{
    /// <summary>Corrections up to this are normal: time synchronization, and users.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(5);

    private readonly DateTimeOffset _startedAt = time.GetUtcNow();
    private readonly long _started = time.GetTimestamp();

    /// <summary>The server's time, for use right after its answer.</summary>
    public DateTimeOffset ServerNow => serverClock.Now;

    public TimeSpan ServerSkew => serverClock.Skew;

    public DateTimeOffset Shown(LeaseFile file) => time.GetUtcNow() + file.Skew;

    /// <summary>The latest of: the clock, the time since this process began, and the times seen before.</summary>
    public DateTimeOffset Latest(LeaseFile file)
    {
        var latest = Shown(file);
        Raise(_startedAt + time.GetElapsedTime(_started) + file.Skew);
        Raise(file.LastSeen);
        if (serverClock.Skew != TimeSpan.Zero)
            Raise(serverClock.Now);
        return latest;

        void Raise(DateTimeOffset instant) => latest = instant > latest ? instant : latest;
    }
}
