namespace PyResolve.Client.Tests.Drivers;

/// <summary>The system's clock, but for what a test adds to it; timers run as ever.</summary>
public sealed class ShiftedClock(TimeSpan ahead = default) : TimeProvider
{
    private long _ahead = ahead.Ticks;

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref _ahead));

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => System.GetElapsedTime(0).Ticks + Interlocked.Read(ref _ahead);

    public void Advance(TimeSpan amount) => Interlocked.Add(ref _ahead, amount.Ticks);
}
