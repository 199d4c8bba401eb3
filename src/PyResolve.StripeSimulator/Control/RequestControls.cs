using PyResolve.StripeSimulator.Api;

namespace PyResolve.StripeSimulator;

/// <summary>Counts, fails and slows requests to the API. A route is written as <c>GET /v1/subscriptions/{id}</c>. Thread-safe.</summary>
public sealed class RequestControls
{
    private readonly InjectedFailures _failures;
    private readonly RequestLog _log;

    internal RequestControls(InjectedFailures failures, RequestLog log)
    {
        _failures = failures;
        _log = log;
    }

    /// <summary>The number of well-formed requests by route, since the start or <see cref="ResetCounts"/>.</summary>
    public IReadOnlyDictionary<string, int> Counts => _log.Counts;

    /// <summary>Begins to count anew.</summary>
    public void ResetCounts() => _log.Clear();

    /// <param name="count">The number of requests to fail.</param>
    /// <param name="status">0 closes the connection.</param>
    /// <param name="moment">Before the effect, or after it, when only the answer is lost.</param>
    /// <param name="route">Default: every route.</param>
    /// <param name="shouldRetry">The header <c>Stripe-Should-Retry</c>; null omits it.</param>
    public void FailNext(
        int count, int status = 500, FailureMoment moment = FailureMoment.BeforeEffect, string? route = null, bool? shouldRetry = null) =>
        _failures.Add(new InjectedFailure(status, shouldRetry), count, moment, route);

    /// <summary>Delays reads by random times before and after their execution: the answer may be outdated when it arrives.</summary>
    /// <param name="longest">The maximum of each delay, in real time; zero ends the delays.</param>
    /// <param name="seed">The same seed gives the same delays.</param>
    /// <param name="writes">Whether to delay writes as well.</param>
    public void SlowReads(TimeSpan longest, int seed = 1, bool writes = false) => _failures.SlowDown(longest, seed, writes);

    /// <summary>Removes all failures and delays.</summary>
    public void Heal() => _failures.Clear();
}
