using Microsoft.AspNetCore.Http.HttpResults;
using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Audit;
using PyResolve.Server.Http;

namespace PyResolve.Server.Accounts;

internal static class SessionEndpoints
{
    public static void MapSessions(this IEndpointRouteBuilder routes)
    {
        var sessions = routes.MapGroup("/auth/sessions").WithTags("Accounts");
        sessions.MapGet("", List).RequireSession();
        sessions.MapDelete("/{id:guid}", End).RequireSession();
    }

    private static async Task<JsonAnswer<SessionList>> List(HttpContext http, Sessions sessions) =>
        Answers.Ok(new SessionList(await sessions.ListAsync(http.Caller(), http.RequestAborted)));

    private static async Task<Results<NoContent, ProblemResult>> End(Guid id, HttpContext http, OwnAccount own) =>
        await own.EndSessionAsync(http.Caller(), id, Origin.Of(http), http.RequestAborted)
            ? TypedResults.NoContent()
            : new ProblemResult(Problems.NotFound(ProblemTexts.SessionNotFound));
}
