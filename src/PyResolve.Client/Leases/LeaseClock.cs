namespace PyResolve.Client;

/// <summary>The time for leases. Setting the machine's clock back extends no lease: the latest time seen counts. Thread-safe.</summary>
internal sealed class LeaseClock(TimeProvider time, ServerClock serverClock)
{
    /// <summary>Smaller corrections of the clock are normal: by time synchronization, or by users.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(5);

    private readonly DateTimeOffset _startedAt = time.GetUtcNow();
    private readonly long _started = time.GetTimestamp();

    public DateTimeOffset ServerNow => serverClock.Now;

    public TimeSpan ServerSkew => serverClock.Skew;

    public DateTimeOffset Shown(LeaseFile file) => time.GetUtcNow() + file.Skew;

    /// <summary>The latest of the clock, the monotonic time since this process started, and the times in the ledger.</summary>
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
