namespace PyResolve.Testing;

/// <summary>A clock that runs like the system's, from its own start time, until a test moves it. Delays on it (of a retry, a reservation, a
/// latency) end when it has moved past their end. Thread-safe.</summary>
public sealed class FakeClock : TimeProvider
{
    private readonly Gate _gate = new();
    private readonly HashSet<Timer> _timers = [];
    private TimeSpan _ahead;
    private TimeSpan _wallAhead;
    private DateTimeOffset? _stoppedAt;

    internal FakeClock(DateTimeOffset? startAt) => _wallAhead = startAt is { } start ? start - System.GetUtcNow() : TimeSpan.Zero;

    /// <summary>Whether the time of day stands still between two moves, for tests that compare instants; it stops at the whole second.
    /// Delays run as on the system's clock. Default <see langword="false"/>.</summary>
    public bool IsStopped
    {
        get
        {
            lock (_gate)
                return _stoppedAt is not null;
        }

        set
        {
            lock (_gate)
            {
                if (value == _stoppedAt is not null)
                    return;
                var now = UtcNow;
                _stoppedAt = value ? now.AddTicks(-(now.Ticks % TimeSpan.TicksPerSecond)) : null;
                _wallAhead = now - System.GetUtcNow();
            }
        }
    }

    /// <inheritdoc/>
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    private DateTimeOffset UtcNow => _stoppedAt ?? System.GetUtcNow() + _wallAhead;

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow()
    {
        lock (_gate)
            return UtcNow;
    }

    /// <inheritdoc/>
    public override long GetTimestamp()
    {
        lock (_gate)
            return (System.GetElapsedTime(0) + _ahead).Ticks;
    }

    /// <summary>Moves time forward. A timer that expires on the way fires once, after the move.</summary>
    /// <param name="amount">Zero or more.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is negative; to move back, see <see cref="SetUtcNow"/>.</exception>
    public void Advance(TimeSpan amount)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(amount, TimeSpan.Zero);
        Timer[] timers;
        lock (_gate)
        {
            _ahead += amount;
            _wallAhead += amount;
            _stoppedAt += amount;
            timers = [.. _timers];
        }

        foreach (var timer in timers)
            timer.Reschedule();
    }

    /// <summary>Sets only the time of day, forward or back, as if someone set a machine's clock: delays continue unchanged.</summary>
    /// <param name="instant">The new time of day.</param>
    public void SetUtcNow(DateTimeOffset instant)
    {
        lock (_gate)
        {
            _wallAhead = instant - System.GetUtcNow();
            _stoppedAt = _stoppedAt is null ? null : instant;
        }
    }

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state);
        lock (_gate)
            _timers.Add(timer);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class Timer : ITimer
    {
        private readonly FakeClock _clock;
        private readonly ITimer _inner;
        private readonly Gate _gate = new();
        private TimeSpan? _dueAt;
        private TimeSpan _period;

        public Timer(FakeClock clock, TimerCallback callback, object? state)
        {
            _clock = clock;
            _inner = System.CreateTimer(
                given =>
                {
                    if (TakeDue())
                        callback(given);
                },
                state,
                Timeout.InfiniteTimeSpan,
                Timeout.InfiniteTimeSpan);
        }

        private TimeSpan Now => TimeSpan.FromTicks(_clock.GetTimestamp());

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (_gate)
            {
                _dueAt = dueTime == Timeout.InfiniteTimeSpan ? null : Now + dueTime;
                _period = period;
                return _inner.Change(dueTime, period);
            }
        }

        public void Reschedule()
        {
            lock (_gate)
            {
                if (_dueAt is { } dueAt)
                    _inner.Change(dueAt > Now ? dueAt - Now : TimeSpan.Zero, _period);
            }
        }

        // A timer that is moved while it fires would fire twice.
        private bool TakeDue()
        {
            lock (_gate)
            {
                var isDue = _dueAt is not null;
                _dueAt = isDue && _period > TimeSpan.Zero ? Now + _period : null;
                return isDue;
            }
        }

        public void Dispose()
        {
            lock (_clock._gate)
                _clock._timers.Remove(this);
            _inner.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
