using System.Globalization;
using PyResolve.Server.Audit;
using PyResolve.Server.Http;

namespace PyResolve.Server.Operators;

internal sealed record LogTable(IReadOnlyList<OperatorAuditEntry> Entries, AuditFilter Filter, string? Next);

/// <summary>The audit log of all accounts.</summary>
internal static class LogPages
{
    private const int PageSize = 50;

    public static void MapLogPages(this IEndpointRouteBuilder pages) => pages.MapGet("/operator/audit", Show);

    private static async Task<IResult> Show(HttpContext http, AuditSearch log)
    {
        var query = http.Request.Query;
        var filter = new AuditFilter(
            UserId: null,
            query["action"] is [{ } action] && LogActions.All.ContainsKey(action) ? action : null,
            ByOperators: query["by"] == "operators");
        var before = AuditPosition.Newest;
        if (query["cursor"] is [{ Length: > 0 } text])
            before = Parse(text) ?? throw new ProblemException(Problems.Malformed(ProblemTexts.AuditCursorUnknown));
        var found = await log.ReadAsync(filter, before, PageSize, http.RequestAborted);
        List<OperatorAuditEntry> page = [.. found.Take(PageSize)];
        var next = found.Count > PageSize ? ToCursor(page[^1]) : null;
        return OperatorPages.Page(http, "Audit log", new Operators_LogPage { Model = new LogTable(page, filter, next) });
    }

    private static string ToCursor(OperatorAuditEntry last) => string.Create(
        CultureInfo.InvariantCulture, $"{(last.At - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond}.{last.Id:N}");

    private static AuditPosition? Parse(string cursor) =>
        cursor.Split('.') is [var at, var entry]
        && long.TryParse(at, NumberStyles.None, CultureInfo.InvariantCulture, out var microseconds)
        && microseconds <= (AuditPosition.Newest.At - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond
        && Guid.TryParseExact(entry, "N", out var id)
            ? new AuditPosition(DateTimeOffset.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond), id)
            : null;
}

/// <summary>Also the actions that belong to no account.</summary>
internal static class LogActions
{
    public static OrderedDictionary<string, string> All { get; } = new(AuditActions.All, StringComparer.Ordinal)
    {
        [AuditActions.EventsReplayed] = "Events of Stripe replayed",
        [AuditActions.LogDeleted] = "Old entries deleted",
    };
}
