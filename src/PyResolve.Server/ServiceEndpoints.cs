using PyResolve.Client.Wire;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;
using PyResolve.Server.Storage;

namespace PyResolve.Server;

internal static class ServiceEndpoints
{
    /// <summary>Some monitors ask by HEAD.</summary>
    private static readonly string[] ReadMethods = ["GET", "HEAD"];

    public static void MapService(this IEndpointRouteBuilder routes)
    {
        var service = routes.MapGroup("").WithTags("Service");
        service.MapMethods("/", ReadMethods, () => Answers.Ok(new ServiceInfo("PyResolve API", ServerVersion.Current)));
        service.MapMethods("/health", ReadMethods, () => Answers.Ok(new HealthStatus("healthy")));
        service.MapMethods("/health/ready", ReadMethods, Ready).Produces<HealthStatus>();
    }

    private static async Task<IResult> Ready(HttpContext http, StoreReadiness store) =>
        await store.FindProblemAsync(http.RequestAborted) is { } problem
            ? new ProblemResult(Problems.Create(503, ProblemCodes.Unavailable, problem), StoreReadiness.Timeout)
            : Answers.Ok(new HealthStatus("healthy"));
}
