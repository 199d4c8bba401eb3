using Microsoft.AspNetCore.Http.HttpResults;
using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Http;

namespace PyResolve.Server.Audit;

internal static class AuditEndpoints
{
    public static void MapAudit(this IEndpointRouteBuilder routes) => routes.MapGet("/audit", Read).WithTags("Audit").RequireSession();

    private static async Task<Results<JsonAnswer<AuditPage>, ProblemResult>> Read(HttpContext http, string? cursor, AuditLog audit)
    {
        Guid? after = null;
        if (!string.IsNullOrEmpty(cursor))
        {
            if (!Guid.TryParseExact(cursor, "D", out var id))
                return new ProblemResult(Problems.Malformed(ProblemTexts.AuditCursorUnknown));
            after = id;
        }

        return Answers.Ok(await audit.ReadAsync(http.Caller().UserId, after, http.RequestAborted));
    }
}
