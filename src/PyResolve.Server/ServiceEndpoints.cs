using PyResolve.Client.Wire;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;
using PyResolve.Server.Storage;

namespace PyResolve.Server;

internal static class ServiceEndpoints
{
    public static void MapService(this IEndpointRouteBuilder routes)
    {
        var service = routes.MapGroup("").WithTags("Service");
        service.MapGet("/", () => Answers.Ok(new ServiceInfo("PyResolve API", ServerVersion.Current)));
        service.MapGet("/health", () => Answers.Ok(new HealthStatus("healthy")));
        service.MapGet("/health/ready", Ready).Produces<HealthStatus>();
    }

    private static async Task<IResult> Ready(HttpContext http, StoreReadiness store) =>
        await store.FindProblemAsync(http.RequestAborted) is { } problem
            ? new ProblemResult(Problems.Create(503, ProblemCodes.Unavailable, problem), StoreReadiness.Timeout)
            : Answers.Ok(new HealthStatus("healthy"));
}
