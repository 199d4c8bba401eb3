using PyResolve.StripeSimulator.Api;

namespace PyResolve.StripeSimulator;

/// <summary>Where in a request a fault strikes.</summary>
public enum FaultMoment
{
    /// <summary>Before anything is done.</summary>
    BeforeEffect,

    /// <summary>After it is done and kept for its idempotency key: the answer is what gets lost.</summary>
    AfterEffect,
}

/// <summary>What happens to requests for the API. A route is named as in <c>GET /v1/subscriptions/{id}</c>. Thread-safe.</summary>
public sealed class RequestControls
{
    private readonly Faults _faults;
    private readonly RequestLog _log;

    internal RequestControls(Faults faults, RequestLog log)
    {
        _faults = faults;
        _log = log;
    }

    /// <summary>Well-formed requests so far, by route.</summary>
    public IReadOnlyDictionary<string, int> Counts => _log.Counts;

    /// <summary>Counts from zero again.</summary>
    public void ResetCounts() => _log.Clear();

    /// <summary>Fails the next requests.</summary>
    /// <param name="count">How many.</param>
    /// <param name="status">The answer; 0 cuts the connection.</param>
    /// <param name="moment">Before the effect, or after it, when only the answer is lost.</param>
    /// <param name="route">Which; any unless given.</param>
    /// <param name="shouldRetry">What <c>Stripe-Should-Retry</c> says; left out unless given.</param>
    public void FailNext(
        int count, int status = 500, FaultMoment moment = FaultMoment.BeforeEffect, string? route = null, bool? shouldRetry = null) =>
        _faults.Add(new Fault(status, shouldRetry), count, moment, route);

    /// <summary>Makes reads slow, by chance up to <paramref name="longest"/> before they look and as much again after: what arrives may be old.</summary>
    /// <param name="longest">Real time; zero makes them quick again.</param>
    /// <param name="seed">The same seed gives the same delays.</param>
    /// <param name="writes">Whether writes are slow as well.</param>
    public void SlowReads(TimeSpan longest, int seed = 1, bool writes = false) => _faults.SlowDown(longest, seed, writes);

    /// <summary>No more failures and delays.</summary>
    public void Heal() => _faults.Clear();
}
