using PyResolve.Client.Wire;
using PyResolve.Server.Http;
using PyResolve.Server.Keys;

namespace PyResolve.Server.Billing;

/// <summary>
/// How often an account may cause calls to Stripe: a checkout takes up to eight, and Stripe's limit is one for all accounts. Each instance
/// counts by itself. Thread-safe.
/// </summary>
internal sealed class BillingLimits(TimeProvider time)
{
    public const int RequestsPerMinute = 60;

    private readonly RequestLimiters _limiters = new(time);

    /// <returns>null where the request may call Stripe.</returns>
    public ProblemResult? Check(Guid userId)
    {
        var permit = _limiters.Take(userId, RequestsPerMinute);
        return permit.IsAllowed
            ? null
            : new ProblemResult(
                Problems.Create(
                    429,
                    ProblemCodes.RateLimited,
                    $"An account may open checkout and portal {RequestsPerMinute} times a minute. Wait before the next one."),
                permit.ResetsIn);
    }
}
