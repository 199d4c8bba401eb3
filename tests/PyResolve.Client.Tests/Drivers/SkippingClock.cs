using System.Collections.Concurrent;

namespace PyResolve.Client.Tests.Drivers;

/// <summary>
/// A clock on which pauses take no time: it advances by each, and records its length. Timers as long as a call's limit never fire.
/// </summary>
public sealed class SkippingClock : TimeProvider
{
    /// <summary>The clients' <see cref="PyResolveClientOptions.RequestTimeout"/>.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);

    private readonly ConcurrentQueue<TimeSpan> _pauses = new();
    private long _elapsed;

    public IReadOnlyList<TimeSpan> Pauses => [.. _pauses];

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddYears(56) + TimeSpan.FromTicks(GetTimestamp());

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Interlocked.Read(ref _elapsed);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (dueTime < TimeSpan.Zero || dueTime >= Limit)
            return System.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, period);
        _pauses.Enqueue(dueTime);
        Interlocked.Add(ref _elapsed, dueTime.Ticks);
        return System.CreateTimer(callback, state, TimeSpan.Zero, period);
    }
}
