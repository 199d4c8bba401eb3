namespace PyResolve.Client.Tests.Drivers;

/// <summary>The system's clock, but for what a test adds to it; timers run as ever.</summary>
public sealed class ShiftedClock(TimeSpan ahead = default) : TimeProvider
{
    private long _ahead = ahead.Ticks;
    private long _setBack;

    /// <summary>What it would show had nobody set it back.</summary>
    public DateTimeOffset Untouched => System.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref _ahead));

    public override DateTimeOffset GetUtcNow() => Untouched - TimeSpan.FromTicks(Interlocked.Read(ref _setBack));

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => System.GetElapsedTime(0).Ticks + Interlocked.Read(ref _ahead);

    /// <summary>What a hand does to a clock: elapsed time goes on.</summary>
    public void SetBack(TimeSpan amount) => Interlocked.Add(ref _setBack, amount.Ticks);

    public void Advance(TimeSpan amount) => Interlocked.Add(ref _ahead, amount.Ticks);
}
