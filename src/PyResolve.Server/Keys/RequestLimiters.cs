using System.Collections.Concurrent;

namespace PyResolve.Server.Keys;

/// <summary>
/// The limiters of the keys that have a limit, separate from <see cref="VerifiedKeyCache"/>: dropping a key from memory must not give it
/// its requests back. A limiter is removed when all are regained, so only keys that were used within two minutes have one. Thread-safe.
/// </summary>
internal sealed class RequestLimiters(TimeProvider time)
{
    private readonly ConcurrentDictionary<Guid, RequestLimiter> _limiters = new();
    private long _sweptAt = time.GetTimestamp();

    public int Count => _limiters.Count;

    public RequestPermit Take(Guid keyId, int requestsPerMinute)
    {
        SweepIfDue();
        while (true)
        {
            var limiter = _limiters.GetOrAdd(keyId, static (_, time) => new RequestLimiter(time), time);
            if (limiter.Take(requestsPerMinute) is { } permit)
                return permit;
            _limiters.TryRemove(new(keyId, limiter));
        }
    }

    private void SweepIfDue()
    {
        var last = Volatile.Read(ref _sweptAt);
        if (time.GetElapsedTime(last) < RequestLimiter.Window
            || Interlocked.CompareExchange(ref _sweptAt, time.GetTimestamp(), last) != last)
        {
            return;
        }

        foreach (var (keyId, limiter) in _limiters)
        {
            if (limiter.TryRetire())
                _limiters.TryRemove(new(keyId, limiter));
        }
    }
}
