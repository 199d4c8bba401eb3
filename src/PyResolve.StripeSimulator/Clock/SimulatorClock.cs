namespace PyResolve.StripeSimulator.Clock;

/// <summary>
/// The time at the simulated Stripe: real time, plus what it was moved ahead by. Only billing lives by it; what crosses the wire (the
/// <c>Date</c> header, the timestamp in a signature) carries <see cref="Real"/> time, or no receiver would believe it. Thread-safe.
/// </summary>
internal sealed class SimulatorClock(TimeProvider real) : TimeProvider
{
    private long _offsetTicks;

    public TimeProvider Real => real;

    public override DateTimeOffset GetUtcNow() => real.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref _offsetTicks));

    public override long TimestampFrequency => real.TimestampFrequency;

    public override long GetTimestamp() => real.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        real.CreateTimer(callback, state, dueTime, period);

    public void MoveAhead(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        Interlocked.Add(ref _offsetTicks, by.Ticks);
    }
}
