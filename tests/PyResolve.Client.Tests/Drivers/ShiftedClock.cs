namespace PyResolve.Client.Tests.Drivers;

/// <summary>The system's clock plus an offset; timers run as usual.</summary>
public sealed class ShiftedClock(TimeSpan ahead = default) : TimeProvider
{
    private long _ahead = ahead.Ticks;
    private long _setBack;

    /// <summary>The time without what was set back.</summary>
    public DateTimeOffset Untouched => System.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref _ahead));

    public override DateTimeOffset GetUtcNow() => Untouched - TimeSpan.FromTicks(Interlocked.Read(ref _setBack));

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => System.GetElapsedTime(0).Ticks + Interlocked.Read(ref _ahead);

    /// <summary>Sets the time of day back; elapsed time is not affected.</summary>
    public void SetBack(TimeSpan amount) => Interlocked.Add(ref _setBack, amount.Ticks);

    public void Advance(TimeSpan amount) => Interlocked.Add(ref _ahead, amount.Ticks);
}
