namespace PyResolve.StripeSimulator.State;

/// <summary>Real time plus the time that the clock was moved forward: the time of billing. Signatures and the <c>Date</c> header use
/// <see cref="Real"/> time, because receivers compare them with their own clock. Thread-safe.</summary>
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
