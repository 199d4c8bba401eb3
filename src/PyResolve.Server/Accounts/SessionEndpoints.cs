using Microsoft.AspNetCore.Http.HttpResults;
using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Audit;
using PyResolve.Server.Http;
using PyResolve.Server.Storage;

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

    /// <summary>Ending a session that has ended already is done, too.</summary>
    private static async Task<Results<NoContent, ProblemResult>> End(
        Guid id, HttpContext http, Database database, Sessions sessions, AuditLog audit)
    {
        var caller = http.Caller();
        var exists = await database.WriteAsync(
            async session =>
            {
                if (!await Sessions.IsOfAsync(session, caller.UserId, id, http.RequestAborted))
                    return false;
                await sessions.EndAsync(session, id, http.RequestAborted);
                await audit.WriteAsync(session, caller.UserId, Origin.Of(http), AuditActions.LoggedOut, target: null, http.RequestAborted);
                return true;
            },
            http.RequestAborted);
        return exists
            ? TypedResults.NoContent()
            : new ProblemResult(Problems.NotFound(ProblemTexts.SessionNotFound));
    }
}
