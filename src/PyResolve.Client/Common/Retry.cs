namespace PyResolve.Client;

/// <summary>Sends again what is safe to send again: after a lost connection, and when the server asks for a short wait.</summary>
internal static class Retry
{
    private const int Attempts = 3;
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);

    public static async Task<T> RunAsync<T>(TimeProvider time, Func<CancellationToken, Task<T>> send, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            TimeSpan wait;
            try
            {
                return await send(cancellationToken).ConfigureAwait(false);
            }
            catch (PyResolveException exception) when (attempt < Attempts && WaitAfter(exception, attempt) is { } worthwhile)
            {
                wait = worthwhile;
            }

            await time.Pause(wait, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>200 ms, 400 ms, 800 ms …, up to half as much again, so that clients that failed together do not return together.</summary>
    public static TimeSpan Backoff(int attempt, TimeSpan longest)
    {
        var milliseconds = Math.Min(200 * Math.Pow(2, Math.Min(attempt, 20) - 1), longest.TotalMilliseconds);
        return TimeSpan.FromMilliseconds(milliseconds * (1 + (Uuid.RandomBytes(1)[0] / 512.0)));
    }

    private static TimeSpan? WaitAfter(PyResolveException exception, int attempt) => exception switch
    {
        { Code: PyResolveErrorCodes.Unreachable } => Backoff(attempt, LongestWait),
        { Status: 503, RetryAfter: { } asked } when asked <= LongestWait => asked + Backoff(attempt, LongestWait),
        _ => null,
    };
}
