using Microsoft.Net.Http.Headers;
using PyResolve.Client.Wire;
using PyResolve.Server.Accounts;
using PyResolve.Server.Doctor;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;
using PyResolve.Server.Site;
using PyResolve.Server.Storage;

namespace PyResolve.Server;

internal static class ServiceEndpoints
{
    public static void MapService(this IEndpointRouteBuilder routes)
    {
        var service = routes.MapGroup("").WithTags("Service");
        service.MapGet("/", Home).Produces<ServiceInfo>();
        service.MapGet("/health", () => Answers.Ok(new HealthStatus("healthy")));
        service.MapGet("/health/ready", Ready).Produces<HealthStatus>();
    }

    /// <summary>Shows a page to people, and the same JSON as always to programs.</summary>
    private static async Task<IResult> Home(HttpContext http, WebSessions web, ProxyProbe doctor)
    {
        doctor.Answer(http);
        http.Response.Headers.Vary = HeaderNames.Accept;
        return Browsers.PreferHtml(http)
            ? await SitePages.ShowHomeAsync(http, web)
            : Answers.Ok(new ServiceInfo("PyResolve API", ServerVersion.Current));
    }

    private static async Task<IResult> Ready(HttpContext http, StoreReadiness store, Draining draining)
    {
        var problem = draining.IsStopping ? "The server is being stopped." : await store.FindProblemAsync(http.RequestAborted);
        return problem is null
            ? Answers.Ok(new HealthStatus("healthy"))
            : new ProblemResult(Problems.Create(503, ProblemCodes.Unavailable, problem), StoreReadiness.Timeout);
    }
}
