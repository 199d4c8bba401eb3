namespace PyResolve.TestKit;

/// <summary>
/// A clock that does not move until a test moves it. Timers, and with them <c>Task.Delay</c>, <c>PeriodicTimer</c> and timed cancellation
/// on this clock, fire while it moves, in the order they are due, each seeing the instant at which it was due. Thread-safe.
/// </summary>
/// <remarks>
/// What a fired timer resumes may run after <see cref="Advance"/> has returned; await its effect with <see cref="Eventually"/>.
/// </remarks>
/// <param name="start">The first instant; default 2026-11-15T12:00:00Z, in the middle of a month.</param>
public sealed class TestClock(DateTimeOffset? start = null) : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<Timer> _timers = [];
    private TimeSpan _elapsed;
    private DateTimeOffset _origin = (start ?? new DateTimeOffset(2026, 11, 15, 12, 0, 0, TimeSpan.Zero)).ToUniversalTime();

    /// <summary>How many timers are set. Where one component alone has this clock, it tells that the component waits.</summary>
    public int PendingTimers
    {
        get
        {
            lock (_gate)
                return _timers.Count;
        }
    }

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow()
    {
        lock (_gate)
            return _origin + _elapsed;
    }

    public override long GetTimestamp()
    {
        lock (_gate)
            return _elapsed.Ticks;
    }

    /// <summary>Moves time forward and fires what falls due, periodic timers as often as they are due.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The amount is negative: elapsed time cannot decrease.</exception>
    public void Advance(TimeSpan amount)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(amount, TimeSpan.Zero);
        TimeSpan target;
        lock (_gate)
            target = _elapsed + amount;
        while (TakeDue(target) is { } due)
            due.Fire();
    }

    /// <summary>
    /// Moves time forward as a machine that slept sees it: each timer that fell due in between fires once, and sees the new time.
    /// Its cost does not depend on the length of the span.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The amount is negative: elapsed time cannot decrease.</exception>
    public void Jump(TimeSpan amount)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(amount, TimeSpan.Zero);
        foreach (var due in TakeAllDueAfter(amount))
            due.Fire();
    }

    /// <summary>
    /// Sets the instant. Forward, this is <see cref="Jump"/>; backward, only the wall clock changes, as when someone sets it back: timers
    /// and timestamps continue.
    /// </summary>
    public void SetUtcNow(DateTimeOffset instant)
    {
        var step = instant - GetUtcNow();
        if (step >= TimeSpan.Zero)
        {
            Jump(step);
            return;
        }

        lock (_gate)
            _origin += step;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var timer = new Timer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private Timer? TakeDue(TimeSpan target)
    {
        lock (_gate)
        {
            var next = _timers.MinBy(timer => timer.DueAt);
            if (next is null || next.DueAt > target)
            {
                _elapsed = Max(_elapsed, target);
                return null;
            }

            _elapsed = Max(_elapsed, next.DueAt);
            if (next.Period > TimeSpan.Zero)
                next.DueAt += next.Period;
            else
                _timers.Remove(next);
            return next;
        }
    }

    private List<Timer> TakeAllDueAfter(TimeSpan amount)
    {
        lock (_gate)
        {
            _elapsed += amount;
            List<Timer> due = [.. _timers.Where(timer => timer.DueAt <= _elapsed).OrderBy(timer => timer.DueAt)];
            foreach (var timer in due)
            {
                if (timer.Period > TimeSpan.Zero)
                    timer.DueAt = _elapsed + timer.Period;
                else
                    _timers.Remove(timer);
            }

            return due;
        }
    }

    private static TimeSpan Max(TimeSpan left, TimeSpan right) => left > right ? left : right;

    private sealed class Timer(TestClock clock, TimerCallback callback, object? state) : ITimer
    {
        private readonly ExecutionContext? _context = ExecutionContext.Capture();
        private bool _disposed;

        public TimeSpan DueAt { get; set; }

        public TimeSpan Period { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            ThrowUnlessDurationOrInfinite(dueTime);
            ThrowUnlessDurationOrInfinite(period);
            lock (clock._gate)
            {
                if (_disposed)
                    return false;
                clock._timers.Remove(this);
                Period = period;
                DueAt = clock._elapsed + dueTime;
                if (dueTime > TimeSpan.Zero || (dueTime == TimeSpan.Zero && period > TimeSpan.Zero))
                    clock._timers.Add(this);
                if (dueTime == TimeSpan.Zero)
                    FireAtOnce();
                return true;
            }
        }

        public void Fire()
        {
            if (_context is null)
                callback(state);
            else
                ExecutionContext.Run(_context, _ => callback(state), null);
        }

        public void Dispose()
        {
            lock (clock._gate)
            {
                _disposed = true;
                clock._timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        // Never inside the call that created the timer, because the caller may not be ready.
        private void FireAtOnce()
        {
            DueAt += Period > TimeSpan.Zero ? Period : TimeSpan.Zero;
            ThreadPool.UnsafeQueueUserWorkItem(static timer => timer.Fire(), this, preferLocal: false);
        }

        private static void ThrowUnlessDurationOrInfinite(TimeSpan value)
        {
            if (value < TimeSpan.Zero && value != Timeout.InfiniteTimeSpan)
                throw new ArgumentOutOfRangeException(nameof(value), value, "Zero or more, or Timeout.InfiniteTimeSpan.");
        }
    }
}
