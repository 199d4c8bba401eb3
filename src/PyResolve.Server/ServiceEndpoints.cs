using PyResolve.Client.Wire;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;
using PyResolve.Server.Storage;

namespace PyResolve.Server;

internal static class ServiceEndpoints
{
    /// <summary>Some monitors ask by HEAD.</summary>
    private static readonly string[] ReadMethods = ["GET", "HEAD"];

    private static readonly TimeSpan ReadinessTimeout = TimeSpan.FromSeconds(5);

    public static void MapService(this IEndpointRouteBuilder routes)
    {
        var service = routes.MapGroup("").WithTags("Service");
        service.MapMethods("/", ReadMethods, () => Answers.Ok(new ServiceInfo("PyResolve API", ServerVersion.Current)));
        service.MapMethods("/health", ReadMethods, () => Answers.Ok(new HealthStatus("healthy")));
        service.MapMethods("/health/ready", ReadMethods, Ready).Produces<HealthStatus>();
    }

    private static async Task<IResult> Ready(HttpContext http, SchemaMigrator schema)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        deadline.CancelAfter(ReadinessTimeout);
        try
        {
            await schema.CheckAsync(deadline.Token);
            return Answers.Ok(new HealthStatus("healthy"));
        }
        catch (SchemaIncompatibleException exception)
        {
            return new ProblemResult(Problems.Create(503, ProblemCodes.Unavailable, exception.Message));
        }
        catch (OperationCanceledException) when (!http.RequestAborted.IsCancellationRequested)
        {
            return new ProblemResult(Problems.Create(503, ProblemCodes.Unavailable, "The store did not answer in time."), ReadinessTimeout);
        }
    }
}
