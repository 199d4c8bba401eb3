using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Http;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Statistics;

internal static class StatisticsEndpoints
{
    private const int MaxMonths = 36;
    private const int MaxEvents = 1_000;

    public static IServiceCollection AddStatistics(this IServiceCollection services) => services
        .AddSingleton<LargestLibraries>()
        .AddSingleton<StatisticsReader>()
        .AddSingleton<UsageDays>()
        .AddSingleton<EventList>()
        .AddSingleton<EventSearch>()
        .AddSingleton<UsageExport>()
        .AddSingleton<RollupRecount>();

    public static void MapStatistics(this IEndpointRouteBuilder routes)
    {
        var usage = routes.MapGroup("/usage").WithTags("Usage").RequireScope(Scopes.UsageRead);
        usage.MapGet("", ReadMonth);
        usage.MapGet("/history", ReadHistory);
        usage.MapGet("/events", ReadEvents);
        // The export writes its response itself, so its type cannot be inferred.
        usage.MapGet("/export.csv", Export).Produces(StatusCodes.Status200OK, contentType: "text/csv");
    }

    private static async Task<JsonAnswer<UsageStatistics>> ReadMonth(HttpContext http, string? month, StatisticsReader statistics) =>
        Answers.Ok(await statistics.ReadMonthAsync(http.Caller().UserId, StatisticsQuery.Month(month), http.RequestAborted));

    private static async Task<JsonAnswer<UsageHistory>> ReadHistory(HttpContext http, string? months, StatisticsReader statistics)
    {
        var count = StatisticsQuery.Number("months", months, whenAbsent: 12, lowest: 1, MaxMonths);
        return Answers.Ok(await statistics.ReadHistoryAsync(http.Caller().UserId, count, http.RequestAborted));
    }

    private static async Task<JsonAnswer<UsageEventPage>> ReadEvents(
        HttpContext http, string? month, string? cursor, string? limit, EventList events)
    {
        var only = StatisticsQuery.Month(month);
        var after = StatisticsQuery.Cursor(cursor, only);
        var count = StatisticsQuery.Number("limit", limit, whenAbsent: 100, lowest: 1, MaxEvents);
        return Answers.Ok(await events.ReadAsync(http.Caller().UserId, only, after, count, http.RequestAborted));
    }

    private static Task Export(HttpContext http, string? month, UsageExport export, TimeProvider time) =>
        export.SendAsync(http, http.Caller().UserId, StatisticsQuery.Month(month) ?? time.GetUtcNow().ToMonth());
}
