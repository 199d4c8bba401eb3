namespace PyResolve.Client;

/// <summary>The time that leases are judged by. This machine's clock can be set back; what was seen before cannot. Thread-safe.</summary>
internal sealed class LeaseClock(TimeProvider time, ServerClock serverClock)
{
    /// <summary>What time services and impatient hands correct a clock by.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(5);

    private readonly DateTimeOffset _startedAt = time.GetUtcNow();
    private readonly long _started = time.GetTimestamp();

    /// <summary>The server's time, for those who just spoke to it.</summary>
    public DateTimeOffset ServerNow => serverClock.Now;

    /// <summary>By how much the server's clock is ahead of this machine's.</summary>
    public TimeSpan ServerSkew => serverClock.Skew;

    /// <summary>What the clock shows.</summary>
    public DateTimeOffset Shown(LeaseFile file) => time.GetUtcNow() + file.Skew;

    /// <summary>The latest that it must be: what it shows, what it would show had nobody touched it since this process began, and what it showed before.</summary>
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
