using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Accounts;
using PyResolve.Server.Http;
using PyResolve.Server.Keys;
using PyResolve.Server.Statistics;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Site;

internal static class UsagePages
{
    private const int PageSize = 50;
    private const int OfferedKeys = 50;
    private const int Months = 12;

    public static void MapUsagePages(this IEndpointRouteBuilder pages)
    {
        pages.MapGet("/app/usage", ShowMonth);
        pages.MapGet("/app/usage/csv", Export);
        pages.MapGet("/app/usage/events", ListEvents);
        pages.MapGet("/app/usage/events/{id:guid}", ShowEvent);
    }

    private static async Task<IResult> ShowMonth(
        HttpContext http, string? month, string? by, WebSessions web, StatisticsReader statistics, TimeProvider time)
    {
        if (await web.FindAsync(http) is not { } caller)
            return SignInPages.Ask(http);
        var now = time.GetUtcNow();
        var chosen = MonthOf(month, now);
        var grouping = by switch
        {
            null or "" or "day" => UsageGrouping.Day,
            "library" => UsageGrouping.Library,
            "key" => UsageGrouping.Key,
            "tier" => UsageGrouping.Tier,
            _ => throw new ProblemException(Problems.Invalid("by", "must be day, library, key or tier.")),
        };
        var usage = await statistics.ReadMonthAsync(caller.UserId, chosen, http.RequestAborted);
        var before = await statistics.ReadMonthAsync(caller.UserId, UsageText.MonthAfter(chosen, -1), http.RequestAborted);
        var history = await statistics.ReadHistoryAsync(caller.UserId, Months, http.RequestAborted);
        var model = new UsageMonth(grouping, usage, before, history, DateOnly.FromDateTime(now.UtcDateTime));
        return SitePages.Page($"Usage in {UsageText.Month(chosen)}", new Site_UsagePage { Model = model }, caller);
    }

    /// <summary>Sends what <c>GET /usage/export.csv</c> sends, for a session in a cookie, which the API does not take.</summary>
    private static async Task Export(HttpContext http, string? month, WebSessions web, UsageExport export, TimeProvider time)
    {
        if (await web.FindAsync(http) is not { } caller)
        {
            await SignInPages.Ask(http).ExecuteAsync(http);
            return;
        }

        http.Response.Headers.CacheControl = "no-store";
        await export.SendAsync(http, caller.UserId, MonthOf(month, time.GetUtcNow()));
    }

    private static async Task<IResult> ListEvents(HttpContext http, string? cursor, WebSessions web, EventSearch search, ApiKeyLists keys)
    {
        if (await web.FindAsync(http) is not { } caller)
            return SignInPages.Ask(http);
        var query = EventQuery.Read(http.Request.Query);
        var errors = new FieldErrors();
        var filter = query.ToFilter(errors);
        var problem = errors.Problem is { } invalid ? new ProblemResult(invalid) : null;
        var found = problem is null
            ? await search.FindAsync(
                caller.UserId, filter, StatisticsQuery.Cursor(cursor, filter.Month), PageSize, http.RequestAborted)
            : new FoundEvents([], Next: null, LookedThrough: null);
        var offered = await keys.ReadAsync(
            caller.UserId, new KeyListQuery(KeyListing.Recent, KeyPosition.Newest, OfferedKeys), http.RequestAborted);
        var model = new EventTable(
            query,
            found,
            offered.Data,
            await NamesAsync(keys, caller, [.. found.Events.Select(static usage => usage.KeyId), filter.KeyId], http.RequestAborted),
            IsFirstPage: string.IsNullOrEmpty(cursor),
            problem);
        return SitePages.Page("Events", new Site_EventsPage { Model = model }, caller, problem);
    }

    private static async Task<IResult> ShowEvent(Guid id, HttpContext http, WebSessions web, EventSearch search, ApiKeyLists keys)
    {
        if (await web.FindAsync(http) is not { } caller)
            return SignInPages.Ask(http);
        var receipt = await search.ReadAsync(caller.UserId, id, http.RequestAborted)
            ?? throw new ProblemException(Problems.NotFound("There is no such event in this account."));
        var names = await NamesAsync(keys, caller, [receipt.Event.KeyId], http.RequestAborted);
        var model = new EventDetails(receipt, UsageText.KeyName(receipt.Event.KeyId, names));
        return SitePages.Page("Event", new Site_EventPage { Model = model }, caller);
    }

    internal static Task<IReadOnlyDictionary<Guid, string>> NamesAsync(
        ApiKeyLists keys, Caller caller, IEnumerable<Guid?> ids, CancellationToken cancellationToken) =>
        keys.ReadNamesAsync(caller.UserId, [.. ids.OfType<Guid>().Distinct()], cancellationToken);

    private static string MonthOf(string? text, DateTimeOffset now)
    {
        var month = StatisticsQuery.Month(text) ?? now.ToMonth();
        return EventQuery.IsUsableMonth(month) ? month : throw new ProblemException(Problems.Invalid("month", ProblemTexts.NotAMonth));
    }
}
