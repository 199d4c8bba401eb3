namespace PyResolve.Server.Keys;

/// <summary>On this instance: a fixed window that begins with its first request. Thread-safe.</summary>
internal sealed class RequestLimiter(TimeProvider time)
{
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private long _windowStart;
    private int _used = -1;
    private bool _isRetired;

    /// <summary>Requests before the limit changed still count. null once this limiter is retired and replaced by another.</summary>
    public RequestPermit? Take(int requestsPerMinute)
    {
        lock (_gate)
        {
            if (_isRetired)
                return null;
            var elapsed = time.GetElapsedTime(_windowStart);
            if (_used < 0 || elapsed >= Window)
            {
                _windowStart = time.GetTimestamp();
                _used = 0;
                elapsed = TimeSpan.Zero;
            }

            var isAllowed = _used < requestsPerMinute;
            if (isAllowed)
                _used++;
            return new RequestPermit(isAllowed, requestsPerMinute, Math.Max(0, requestsPerMinute - _used), Window - elapsed);
        }
    }

    /// <summary>Retires this limiter if its window is over, so that no count is lost.</summary>
    public bool TryRetire()
    {
        lock (_gate)
            return _isRetired |= _used >= 0 && time.GetElapsedTime(_windowStart) >= Window;
    }
}

internal readonly record struct RequestPermit(bool IsAllowed, int Limit, int Remaining, TimeSpan ResetsIn)
{
    /// <summary>The one that allows less: a refusal, else the one with fewer requests left.</summary>
    public static RequestPermit Tighter(RequestPermit one, RequestPermit other)
    {
        if (one.IsAllowed != other.IsAllowed)
            return one.IsAllowed ? other : one;
        return other.Remaining < one.Remaining ? other : one;
    }
}
