using PyResolve.Client.Wire;

namespace PyResolve.Client;

public sealed partial class PyResolveClient
{
    /// <summary><c>GET /</c>: the server's name and version.</summary>
    public Task<ServiceInfo> GetServiceAsync(CancellationToken cancellationToken = default) =>
        _transport.SendAsync(GetAnonymously("/"), WireJson.Default.ServiceInfo, static info => info.Service is not null, cancellationToken);

    /// <summary><c>GET /plans</c>: the plans.</summary>
    public async Task<IReadOnlyList<PlanInfo>> GetPlansAsync(CancellationToken cancellationToken = default)
    {
        var plans = await _transport.SendAsync(
            GetAnonymously("/plans"),
            WireJson.Default.PlanList, static list => list.Data is not null, cancellationToken).ConfigureAwait(false);
        return plans.Data;
    }

    /// <summary><c>GET /health</c>: whether the server is running, independent of its store.</summary>
    public Task<HealthStatus> GetHealthAsync(CancellationToken cancellationToken = default) => GetHealthAsync("/health", cancellationToken);

    /// <summary><c>GET /health/ready</c>: whether the server can handle requests.</summary>
    /// <exception cref="PyResolveException"><see cref="ProblemCodes.Unavailable"/>: the server is without its store.</exception>
    public Task<HealthStatus> GetReadinessAsync(CancellationToken cancellationToken = default) =>
        GetHealthAsync("/health/ready", cancellationToken);

    /// <summary><c>GET /.well-known/jwks.json</c>: the public keys that verify leases. They may be cached for five minutes.</summary>
    public Task<LeaseKeySet> GetLeaseKeysAsync(CancellationToken cancellationToken = default) =>
        _transport.GetLeaseKeysAsync(cancellationToken);

    private Task<HealthStatus> GetHealthAsync(string path, CancellationToken cancellationToken) =>
        _transport.SendAsync(
            GetAnonymously(path), WireJson.Default.HealthStatus, static health => health.Status is not null, cancellationToken);

    private static ApiRequest GetAnonymously(string path) => ApiRequest.Get(path) with { AllowsKey = false };
}
