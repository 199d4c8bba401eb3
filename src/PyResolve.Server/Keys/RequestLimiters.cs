using System.Collections.Concurrent;

namespace PyResolve.Server.Keys;

/// <summary>
/// The limiters of the keys that have a limit, apart from the remembered keys: forgetting a key must not refill its window. Thread-safe.
/// </summary>
internal sealed class RequestLimiters(TimeProvider time)
{
    private const int MostIdle = 10_000;

    private readonly ConcurrentDictionary<Guid, RequestLimiter> _limiters = new();

    public RequestLimiter For(Guid keyId, int requestsPerMinute)
    {
        if (_limiters.Count > MostIdle)
            Prune();
        var limiter = _limiters.GetOrAdd(keyId, _ => new RequestLimiter(requestsPerMinute, time));
        return limiter.Limit == requestsPerMinute
            ? limiter
            : _limiters.AddOrUpdate(keyId, _ => new RequestLimiter(requestsPerMinute, time), (_, old) => old.Limit == requestsPerMinute ? old : new RequestLimiter(requestsPerMinute, time));
    }

    private void Prune()
    {
        foreach (var (keyId, limiter) in _limiters)
        {
            if (limiter.IsIdle)
                _limiters.TryRemove(keyId, out _);
        }
    }
}
