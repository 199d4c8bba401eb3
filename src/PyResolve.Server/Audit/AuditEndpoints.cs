using Microsoft.AspNetCore.Http.HttpResults;
using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Http;

namespace PyResolve.Server.Audit;

internal static class AuditEndpoints
{
    public static void MapAudit(this IEndpointRouteBuilder routes) => routes.MapGet("/audit", Read).WithTags("Audit").RequireSession();

    private static async Task<Results<JsonAnswer<AuditPage>, ProblemResult>> Read(HttpContext http, AuditLog audit)
    {
        Guid? cursor = null;
        if (http.Request.Query["cursor"] is [{ Length: > 0 } text])
        {
            if (!Guid.TryParseExact(text, "D", out var id))
            {
                return new ProblemResult(Problems.Malformed(ProblemTexts.AuditCursorUnknown));
            }

            cursor = id;
        }

        return Answers.Ok(await audit.ReadAsync(http.Caller().UserId, cursor, http.RequestAborted));
    }
}
