using System.Globalization;
using PyResolve.Server.Access;
using PyResolve.Server.Audit;
using PyResolve.Server.Http;
using PyResolve.Server.Pages;
using PyResolve.Server.Site;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Operators;

/// <summary>A page of the audit log. <c>Account</c>: as it was typed; null: every account.</summary>
internal sealed record LogTable(
    IReadOnlyList<OperatorAuditEntry> Entries, AuditFilter Filter, string? Account, string? Next, bool IsFirstPage)
{
    public PageLinks Links => new("entries", IsFirstPage ? null : LinkTo(cursor: null), Next is null ? null : LinkTo(Next));

    /// <summary>The address of another page of the list, relative to the server's root.</summary>
    private string LinkTo(string? cursor) => UsageText.Link(
        "operator/audit",
        ("account", Account),
        ("action", Filter.Action),
        ("by", Filter.ByOperators ? "operators" : null),
        ("cursor", cursor));
}

/// <summary>The pages with the audit log of all accounts.</summary>
internal static class LogPages
{
    private const int PageSize = 50;

    private static readonly Guid NoAccount = Guid.AllBitsSet;

    public static void MapLogPages(this IEndpointRouteBuilder pages) => pages.MapGet("/operator/audit", Show);

    private static async Task<IResult> Show(HttpContext http, AuditSearch log, Database database)
    {
        var query = http.Request.Query;
        var account = query["account"].ToString().Trim() is { Length: > 0 } named ? named : null;
        var filter = new AuditFilter(
            await FindAccountAsync(database, account, http.RequestAborted),
            query["action"] is [{ } action] && LogActions.All.ContainsKey(action) ? action : null,
            ByOperators: query["by"] == "operators");
        var before = AuditPosition.Newest;
        if (query["cursor"] is [{ Length: > 0 } text])
            before = Parse(text) ?? throw new ProblemException(Problems.Malformed(ProblemTexts.AuditCursorUnknown));
        var found = await log.ReadAsync(filter, before, PageSize, http.RequestAborted);
        List<OperatorAuditEntry> page = [.. found.Take(PageSize)];
        var next = found.Count > PageSize ? ToCursor(page[^1]) : null;
        var model = new LogTable(page, filter, account, next, IsFirstPage: before == AuditPosition.Newest);
        return OperatorPages.Page(http, "Audit log", new Operators_LogPage { Model = model });
    }

    /// <returns>null: no account was named. An id is that of no account where there is none: entries outlive their account.</returns>
    private static async Task<Guid?> FindAccountAsync(Database database, string? named, CancellationToken cancellationToken)
    {
        if (named is null)
            return null;
        if (named.Length > AccountSearch.MaxQueryLength || !FieldErrors.IsPlainText(named))
            throw new ProblemException(Problems.Malformed("Name an account by its email address or by its id."));
        return await database.FindAccountIdAsync(named, cancellationToken) ?? NoAccount;
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

/// <summary>All actions, including those without an account.</summary>
internal static class LogActions
{
    public static OrderedDictionary<string, string> All { get; } = new(AuditActions.All, StringComparer.Ordinal)
    {
        [AuditActions.EventsReplayed] = "Events of Stripe replayed",
        [AuditActions.LogDeleted] = "Old entries deleted",
    };
}
