namespace PyResolve.Client;

/// <summary>A circuit breaker: once the server is out of reach, permits and checks fail at once for 15 s, in every process of the user that
/// reaches the server the same way. Any answer of the server closes it. Thread-safe.</summary>
/// <param name="time">The clock.</param>
/// <param name="shared">What processes share; <see langword="null"/> for a client that connects in a way of its own.</param>
internal sealed class Outage(TimeProvider time, OutageFile? shared)
{
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(15);
    private State? _state;
    private long _answeredAt;

    /// <summary>Why the server is not asked; <see langword="null"/> when it is.</summary>
    public PyResolveException? Current
    {
        get
        {
            if (Volatile.Read(ref _state) is { IsForgotten: false, Cause.Code: not PyResolveErrorCodes.UnexpectedAnswer } state
                && time.GetElapsedTime(state.Since) < Duration)
            {
                return state.Cause;
            }

            return shared?.Read(after: Interlocked.Read(ref _answeredAt), time.GetUtcNow(), Duration);
        }
    }

    /// <returns>Whether it begins now, rather than going on.</returns>
    public bool Begin(PyResolveException cause)
    {
        if (cause.Code != PyResolveErrorCodes.UnexpectedAnswer)
            shared?.Write(cause, time.GetUtcNow());
        return Interlocked.Exchange(ref _state, new(cause, time.GetTimestamp(), IsForgotten: false)) is null;
    }

    /// <summary>The server has answered.</summary>
    /// <returns>Whether an outage of this process ends.</returns>
    public bool End()
    {
        var isFirst = Interlocked.Exchange(ref _answeredAt, time.GetUtcNow().Ticks) == 0;
        var ends = Volatile.Read(ref _state) is not null && Interlocked.Exchange(ref _state, null) is not null;
        if (isFirst || ends)
            shared?.Delete();
        return ends;
    }

    /// <summary>The server is asked again, by this process and the others.</summary>
    public void Forget()
    {
        if (Volatile.Read(ref _state) is { } state)
            Interlocked.CompareExchange(ref _state, state with { IsForgotten = true }, state);
        shared?.Delete();
    }

    private sealed record State(PyResolveException Cause, long Since, bool IsForgotten);
}
