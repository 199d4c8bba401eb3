namespace PyResolve.Client;

/// <summary>
/// When to send again what is safe to send again: after a lost connection or an answer that did not come, and when the server asks for a short
/// wait. All of it happens within the time that one request has.
/// </summary>
internal static class Retry
{
    public const int Attempts = 3;
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);

    /// <summary>200 ms, 400 ms, 800 ms …, up to half as much again, so that clients that failed together do not return together.</summary>
    public static TimeSpan Backoff(int attempt, TimeSpan longest)
    {
        var milliseconds = Math.Min(200 * Math.Pow(2, Math.Min(attempt, 20) - 1), longest.TotalMilliseconds);
        return TimeSpan.FromMilliseconds(milliseconds * (1 + (Uuid.RandomBytes(1)[0] / 512.0)));
    }

    /// <summary>How long to wait before the next try; <see langword="null"/> when none is worth it.</summary>
    public static TimeSpan? WaitAfter(PyResolveException exception, int attempt) => exception switch
    {
        { Code: PyResolveErrorCodes.Timeout } => TimeSpan.Zero,
        { Code: PyResolveErrorCodes.Unreachable } => Backoff(attempt, LongestWait),
        { Code: PyResolveErrorCodes.UnexpectedAnswer, Status: 502 or 503 or 504 } => Backoff(attempt, LongestWait),
        { Status: 429 or 503, RetryAfter: { } asked } when asked <= LongestWait => asked + Backoff(attempt, LongestWait),
        _ => null,
    };
}
