namespace PyResolve.Client;

/// <summary>A circuit breaker: once the server is out of reach, calls fail at once for 15 s. Any answer closes it. Thread-safe.</summary>
internal sealed class Outage(TimeProvider time)
{
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(15);
    private State? _state;

    public PyResolveException? Current =>
        Volatile.Read(ref _state) is { } state && time.GetElapsedTime(state.Since) < Duration ? state.Cause : null;

    public bool Begin(PyResolveException cause) => Interlocked.Exchange(ref _state, new(cause, time.GetTimestamp())) is null;

    public bool End() => Volatile.Read(ref _state) is not null && Interlocked.Exchange(ref _state, null) is not null;

    private sealed record State(PyResolveException Cause, long Since);
}
