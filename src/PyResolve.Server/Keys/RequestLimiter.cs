namespace PyResolve.Server.Keys;

/// <summary>
/// Limits the requests of a key on this instance: it may use its requests of a minute at once, and regains them evenly. So requests at the
/// permitted rate, however they fall, are never refused, as those at the border of two windows would be. Thread-safe.
/// </summary>
internal sealed class RequestLimiter(TimeProvider time)
{
    /// <summary>The time in which a used-up limit is full again.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    /// <summary>Rounding tolerance, in requests.</summary>
    private const double Tolerance = 1e-6;

    private readonly Lock _gate = new();
    private long _updatedAt = time.GetTimestamp();
    private double _used;
    private int _limit;
    private bool _isRetired;

    /// <summary>
    /// Takes a request. Requests before the limit changed still count. null once this limiter is retired and replaced by another.
    /// </summary>
    public RequestPermit? Take(int requestsPerMinute)
    {
        lock (_gate)
        {
            if (_isRetired)
                return null;
            _limit = requestsPerMinute;
            Regain();
            var isAllowed = _used + 1 <= requestsPerMinute + Tolerance;
            if (isAllowed)
                _used++;
            var remaining = Math.Max(0, (int)(requestsPerMinute - _used + Tolerance));
            // Until all are regained; where none is left, until one is.
            var missing = remaining > 0 ? _used : _used + 1 - requestsPerMinute;
            return new RequestPermit(isAllowed, requestsPerMinute, remaining, Window * (missing / requestsPerMinute));
        }
    }

    /// <summary>Retires this limiter if all requests are regained, so that no count is lost.</summary>
    public bool TryRetire()
    {
        lock (_gate)
        {
            Regain();
            return _isRetired |= _limit > 0 && _used <= Tolerance;
        }
    }

    private void Regain()
    {
        var now = time.GetTimestamp();
        _used = Math.Max(0, _used - (time.GetElapsedTime(_updatedAt, now) / Window * _limit));
        _updatedAt = now;
    }
}

internal readonly record struct RequestPermit(bool IsAllowed, int Limit, int Remaining, TimeSpan ResetsIn)
{
    /// <summary>Returns the permit that allows less: a refusal, else the one with fewer requests left.</summary>
    public static RequestPermit Tighter(RequestPermit one, RequestPermit other)
    {
        if (one.IsAllowed != other.IsAllowed)
            return one.IsAllowed ? other : one;
        return other.Remaining < one.Remaining ? other : one;
    }
}
