namespace PyResolve.Server.Keys;

/// <summary>
/// Requests a minute for one key, on this instance: a fixed window that begins with its first request. Thread-safe.
/// </summary>
internal sealed class RequestLimiter(int requestsPerMinute, TimeProvider time)
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private long _windowStart;
    private int _used = -1;

    public int Limit => requestsPerMinute;

    /// <summary>Whether its window is over, so that a new limiter would say the same.</summary>
    public bool IsIdle
    {
        get
        {
            lock (_gate)
                return _used < 0 || time.GetElapsedTime(_windowStart) >= Window;
        }
    }

    /// <summary>Counts a request, unless the window is full.</summary>
    public RequestPermit Take()
    {
        lock (_gate)
        {
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
            return new RequestPermit(isAllowed, requestsPerMinute, requestsPerMinute - _used, Window - elapsed);
        }
    }
}

/// <summary>Whether a request may go on, and where its key stands.</summary>
internal readonly record struct RequestPermit(bool IsAllowed, int Limit, int Remaining, TimeSpan ResetsIn);
