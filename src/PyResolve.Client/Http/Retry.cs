namespace PyResolve.Client;

/// <summary>When to retry a repeatable request. All attempts share the timeout of one call.</summary>
internal static class Retry
{
    public const int Attempts = 3;
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(5);

    /// <summary>200 ms, 400 ms, 800 ms …, plus up to half at random, so that clients that failed together retry separately.</summary>
    public static TimeSpan Backoff(int attempt, TimeSpan max)
    {
        var milliseconds = Math.Min(200 * Math.Pow(2, Math.Min(attempt, 20) - 1), max.TotalMilliseconds);
        return TimeSpan.FromMilliseconds(milliseconds * (1 + (Uuid.RandomBytes(1)[0] / 512.0)));
    }

    public static TimeSpan? WaitAfter(PyResolveException exception, int attempt) => exception switch
    {
        { OfServers: { } failures } => failures.Select(failure => WaitAfter(failure, attempt)).Min(),
        { Code: PyResolveErrorCodes.Timeout } => TimeSpan.Zero,
        { Code: PyResolveErrorCodes.Unreachable } => Backoff(attempt, MaxWait),
        { Code: PyResolveErrorCodes.UnexpectedAnswer, Status: 502 or 503 or 504 } => Backoff(attempt, MaxWait),
        { Status: 429 or 503, RetryAfter: { } asked } when asked <= MaxWait => asked + Backoff(attempt, MaxWait),
        _ => null,
    };
}
