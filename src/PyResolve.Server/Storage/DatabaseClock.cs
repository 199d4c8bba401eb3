namespace PyResolve.Server.Storage;

/// <summary>
/// The wall clock of the database, so that instants which one instance writes and another compares come from one clock, however wrong the
/// machines' own are. It runs on between two measurements by the machine's elapsed time. Timers and timestamps are the machine's.
/// Until the first measurement, which precedes the first statement, it is the machine's clock. Thread-safe.
/// </summary>
internal sealed class DatabaseClock(TimeProvider machine) : TimeProvider
{
    /// <summary>How far two good clocks may drift apart, as a fraction of the time that passes.</summary>
    private const double Drift = 0.0002;

    private volatile Measurement? _last;

    public override TimeZoneInfo LocalTimeZone => machine.LocalTimeZone;

    public override long TimestampFrequency => machine.TimestampFrequency;

    /// <summary>How far the machine's clock is ahead of the database's; null before the first measurement.</summary>
    public TimeSpan? MachineIsAheadBy => _last is { } last ? machine.GetUtcNow() - At(last) : null;

    public override DateTimeOffset GetUtcNow() => _last is { } last ? At(last) : machine.GetUtcNow();

    public override long GetTimestamp() => machine.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        machine.CreateTimer(callback, state, dueTime, period);

    /// <param name="instant">What the database's clock said between the two timestamps.</param>
    /// <param name="askedAt">A timestamp from before the database was asked.</param>
    /// <param name="answeredAt">A timestamp from when it had answered.</param>
    public void Set(DateTimeOffset instant, long askedAt, long answeredAt)
    {
        var uncertainty = machine.GetElapsedTime(askedAt, answeredAt) / 2;
        var measured = new Measurement(instant, askedAt + ((answeredAt - askedAt) / 2), uncertainty);
        // A precise measurement is kept until it is old, so that the clock does not jump back and forth with the network's delays.
        if (_last is not { } last || IsBetter(measured, last))
            _last = measured;
    }

    private bool IsBetter(Measurement measured, Measurement last)
    {
        var agedUncertainty = last.Uncertainty + (machine.GetElapsedTime(last.Timestamp, measured.Timestamp) * Drift);
        var difference = (measured.Instant - (last.Instant + machine.GetElapsedTime(last.Timestamp, measured.Timestamp))).Duration();
        return measured.Uncertainty <= agedUncertainty || difference > agedUncertainty + measured.Uncertainty;
    }

    private DateTimeOffset At(Measurement last) => last.Instant + machine.GetElapsedTime(last.Timestamp);

    private sealed record Measurement(DateTimeOffset Instant, long Timestamp, TimeSpan Uncertainty);
}
