using System.Collections.Concurrent;
using System.Threading.Channels;

namespace PyResolve.Client.Tests.Drivers;

/// <summary>A clock on which each pause lasts until the test ends it. Timers as long as half of a call's limit never fire.</summary>
public sealed class SteppedClock : TimeProvider
{
    private readonly Channel<Pause> _pauses = Channel.CreateUnbounded<Pause>();
    private readonly ConcurrentQueue<Pause> _begun = new();
    private long _elapsed;

    /// <summary>The lengths of all pauses that have begun.</summary>
    public IReadOnlyList<TimeSpan> Begun => [.. _begun.Select(static pause => pause.Length)];

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddYears(56) + TimeSpan.FromTicks(GetTimestamp());

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Interlocked.Read(ref _elapsed);

    /// <summary>Waits until the next pause begins.</summary>
    public async Task<Pause> FindPauseAsync(CancellationToken cancellationToken) => await _pauses.Reader.ReadAsync(cancellationToken);

    /// <summary>Waits until the next pause begins, and ends it.</summary>
    /// <returns>Its length.</returns>
    public async Task<TimeSpan> EndPauseAsync(CancellationToken cancellationToken)
    {
        var pause = await FindPauseAsync(cancellationToken);
        Interlocked.Add(ref _elapsed, pause.Length.Ticks);
        pause.End();
        return pause.Length;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var pause = new Pause(dueTime, System.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan));
        if (dueTime >= TimeSpan.Zero && dueTime < SkippingClock.Limit / 2)
        {
            _begun.Enqueue(pause);
            _pauses.Writer.TryWrite(pause);
        }

        return pause;
    }

    public sealed class Pause(TimeSpan length, ITimer timer) : ITimer
    {
        private volatile bool _isOver;

        public TimeSpan Length => length;

        /// <summary>Whether it has ended, or was cancelled.</summary>
        public bool IsOver => _isOver;

        public void End() => timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);

        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
            _isOver = true;
            timer.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            _isOver = true;
            return timer.DisposeAsync();
        }
    }
}
