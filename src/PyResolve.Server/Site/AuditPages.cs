using PyResolve.Server.Accounts;
using PyResolve.Server.Audit;
using PyResolve.Server.Http;
using PyResolve.Server.Pages;
using PyResolve.Server.Statistics;

namespace PyResolve.Server.Site;

internal static class AuditPages
{
    private const int ChunkBytes = 256 * 1024;
    private const int ChunkEntries = 1_000;

    private static readonly string[] Header = ["at", "actor", "action", "target", "address"];

    public static void MapAuditPages(this IEndpointRouteBuilder pages)
    {
        pages.MapGet("/app/audit", Show);
        pages.MapGet("/app/audit/export", Export);
    }

    private static async Task<IResult> Show(HttpContext http, WebSessions web, AuditLog audit)
    {
        if (await web.FindAsync(http) is not { } caller)
            return SignInPages.Ask(http);
        var action = ActionOf(http);
        Guid? cursor = null;
        if (http.Request.Query["cursor"] is [{ Length: > 0 } text])
        {
            cursor = Guid.TryParseExact(text, "D", out var id)
                ? id
                : throw new ProblemException(Problems.Malformed(ProblemTexts.AuditCursorUnknown));
        }

        var page = await audit.ReadAsync(caller.UserId, cursor, http.RequestAborted, action);
        return SitePages.Page("Audit log", new Site_AuditPage { Model = new AuditTable(page, action) }, caller);
    }

    /// <summary>
    /// Exports the log a page at a time: however slowly the browser reads, no connection to the store is held between two.
    /// </summary>
    private static async Task<IResult> Export(HttpContext http, WebSessions web, AuditLog audit)
    {
        if (await web.FindAsync(http) is not { } caller)
            return SignInPages.Ask(http);
        var action = ActionOf(http);
        return TypedResults.Stream(
            async output =>
            {
                var csv = new CsvBuffer(ChunkBytes);
                foreach (var name in Header)
                    csv.Text(name);
                csv.EndRecord();
                Guid? cursor = null;
                do
                {
                    var page = await audit.ReadAsync(caller.UserId, cursor, http.RequestAborted, action, ChunkEntries);
                    foreach (var entry in page.Data)
                    {
                        csv.Instant(entry.At);
                        csv.Text(entry.Actor);
                        csv.Text(entry.Action);
                        csv.Text(entry.Target);
                        csv.Text(entry.Address);
                        csv.EndRecord();
                    }

                    await output.WriteAsync(csv.Written, http.RequestAborted);
                    csv.Clear();
                    cursor = page.NextCursor is { } next ? Guid.Parse(next) : null;
                }
                while (cursor is not null);
            },
            "text/csv; charset=utf-8",
            "pyresolve-audit.csv");
    }

    /// <summary>The action to filter by, if the log knows it; anything else is no filter.</summary>
    private static string? ActionOf(HttpContext http) =>
        http.Request.Query["action"] is [{ } action] && AuditActions.All.ContainsKey(action) ? action : null;
}
