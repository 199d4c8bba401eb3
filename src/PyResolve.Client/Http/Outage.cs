namespace PyResolve.Client;

/// <summary>
/// Remembers for a while that the server was out of reach, so that whoever asks next is told at once instead of waiting in vain. Any answer
/// ends it. Thread-safe.
/// </summary>
internal sealed class Outage(TimeProvider time)
{
    private static readonly TimeSpan Memory = TimeSpan.FromSeconds(15);
    private State? _state;

    /// <summary>Why the server was out of reach a moment ago; <see langword="null"/> when it is worth asking.</summary>
    public PyResolveException? Current =>
        Volatile.Read(ref _state) is { } state && time.GetElapsedTime(state.Since) < Memory ? state.Cause : null;

    /// <returns>Whether it is a new one.</returns>
    public bool Begin(PyResolveException cause) => Interlocked.Exchange(ref _state, new(cause, time.GetTimestamp())) is null;

    /// <returns>Whether there was one.</returns>
    public bool End() => Volatile.Read(ref _state) is not null && Interlocked.Exchange(ref _state, null) is not null;

    private sealed record State(PyResolveException Cause, long Since);
}
