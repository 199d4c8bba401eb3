using PyResolve.Client.Wire;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;

namespace PyResolve.Server.Leases;

internal static class LeaseServices
{
    public static IServiceCollection AddLeases(
        this IServiceCollection services, IConfiguration configuration, ServerOptions options) => services
        .AddSingleton(LeaseKeys.Read(configuration, options))
        .AddSingleton<LeaseSigner>();

    public static void MapLeaseKeys(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/.well-known/jwks.json", ReadKeys).WithTags("Quota");

    /// <summary>Answers with the public keys, cached for five minutes: publish a new key that long before it signs.</summary>
    private static JsonAnswer<LeaseKeySet> ReadKeys(HttpContext http, LeaseKeys keys)
    {
        http.Response.Headers.CacheControl = "public, max-age=300";
        return Answers.Ok(keys.Published);
    }
}
