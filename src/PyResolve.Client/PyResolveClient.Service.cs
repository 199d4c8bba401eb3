using PyResolve.Client.Wire;

namespace PyResolve.Client;

public sealed partial class PyResolveClient
{
    /// <summary><c>GET /</c>: which server this is.</summary>
    public Task<ServiceInfo> GetServiceAsync(CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            ApiRequest.Get("/") with { NeedsKey = false }, WireJson.Default.ServiceInfo, static info => info.Service is not null, cancellationToken);

    /// <summary><c>GET /plans</c>: what can be had.</summary>
    public async Task<IReadOnlyList<PlanInfo>> GetPlansAsync(CancellationToken cancellationToken = default)
    {
        var plans = await _transport.SendAsync(
            ApiRequest.Get("/plans") with { NeedsKey = false }, WireJson.Default.PlanList, static list => list.Data is not null, cancellationToken).ConfigureAwait(false);
        return plans.Data;
    }

    /// <summary><c>GET /health</c>: whether the server is up, whatever becomes of its store.</summary>
    public Task<HealthStatus> GetHealthAsync(CancellationToken cancellationToken = default) => GetHealthAsync("/health", cancellationToken);

    /// <summary><c>GET /health/ready</c>: whether the server can serve. While its store is down it throws, with the code <c>unavailable</c>.</summary>
    public Task<HealthStatus> GetReadinessAsync(CancellationToken cancellationToken = default) => GetHealthAsync("/health/ready", cancellationToken);

    /// <summary><c>GET /.well-known/jwks.json</c>: the keys by which leases are verified. Good for five minutes.</summary>
    public Task<LeaseKeySet> GetLeaseKeysAsync(CancellationToken cancellationToken = default) =>
        _transport.GetLeaseKeysAsync(cancellationToken);

    private Task<HealthStatus> GetHealthAsync(string path, CancellationToken cancellationToken) =>
        _transport.SendAsync(
            ApiRequest.Get(path) with { NeedsKey = false }, WireJson.Default.HealthStatus, static health => health.Status is not null, cancellationToken);
}
