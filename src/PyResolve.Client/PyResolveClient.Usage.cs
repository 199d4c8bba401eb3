using System.Globalization;
using System.Runtime.CompilerServices;
using PyResolve.Client.Wire;

namespace PyResolve.Client;

public sealed partial class PyResolveClient
{
    /// <summary><c>POST /usage</c>: records one event, stored when this returns. <see cref="Usage"/> does this in the background.</summary>
    /// <param name="usage">The event. With <see cref="UsageEventRequest.Id"/> it is safe to send again.</param>
    /// <param name="cancellationToken">Stops waiting; the event may have been recorded.</param>
    public Task<UsageRecorded> RecordUsageAsync(UsageEventRequest usage, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            (ApiRequest.Post("/usage") with { IsRepeatable = Guard.NotNull(usage).Id is not null })
                .With(usage, WireJson.Requests.UsageEventRequest),
            WireJson.Default.UsageRecorded, static recorded => recorded.Status is not null, cancellationToken);

    /// <summary><c>POST /usage/batch</c>: records events, each with a result. <see cref="Usage"/> does so in the background.</summary>
    /// <param name="events">1 to 1000 events. With <see cref="UsageEventRequest.Id"/> on each they are safe to send again.</param>
    /// <param name="cancellationToken">Stops waiting; the events may have been recorded.</param>
    public Task<UsageBatchResponse> RecordUsageBatchAsync(
        IReadOnlyList<UsageEventRequest> events, CancellationToken cancellationToken = default)
    {
        Guard.NotNull(events);
        var request = ApiRequest.Post("/usage/batch") with { IsRepeatable = events.All(static usage => usage.Id is not null) };
        return _transport.SendAsync(
            request.With(new() { Events = events }, WireJson.Requests.UsageBatchRequest),
            WireJson.Default.UsageBatchResponse, answer => answer.Results?.Count == events.Count, cancellationToken);
    }

    /// <summary><c>GET /usage</c>: a month's totals, by day and by library.</summary>
    /// <param name="month">A UTC calendar month, as <c>2026-11</c>; default the current one.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task<UsageStatistics> GetUsageAsync(string? month = null, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            ApiRequest.Get("/usage" + Query(("month", month))),
            WireJson.Default.UsageStatistics, static usage => usage.Month is not null, cancellationToken);

    /// <summary><c>GET /usage/history</c>: the totals of past months.</summary>
    /// <param name="months">How many months, the current one included: 1 to 36; default the server's, 12.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async Task<IReadOnlyList<MonthlyUsage>> GetUsageHistoryAsync(int? months = null, CancellationToken cancellationToken = default)
    {
        var history = await _transport.SendAsync(
            ApiRequest.Get("/usage/history" + Query(("months", Text(months)))),
            WireJson.Default.UsageHistory, static history => history.Data is not null, cancellationToken).ConfigureAwait(false);
        return history.Data;
    }

    /// <summary><c>GET /usage/events</c>: a page of the recorded events, newest first.</summary>
    /// <param name="cursor">The <see cref="UsageEventPage.NextCursor"/> of the previous page; default the first page.</param>
    /// <param name="limit">How many events at most: 1 to 1000; default the server's, 100.</param>
    /// <param name="month">Only one UTC calendar month, as <c>2026-11</c>; default all.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task<UsageEventPage> ListUsageEventsAsync(
        string? cursor = null, int? limit = null, string? month = null, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            ApiRequest.Get("/usage/events" + Query(("cursor", cursor), ("limit", Text(limit)), ("month", month))),
            WireJson.Default.UsageEventPage, static page => page.Data is not null, cancellationToken);

    /// <summary>All events of <see cref="ListUsageEventsAsync"/>; each page is requested when it is reached.</summary>
    /// <param name="month">Only one UTC calendar month, as <c>2026-11</c>; default all.</param>
    /// <param name="cancellationToken">Stops the enumeration.</param>
    public async IAsyncEnumerable<RecordedUsageEvent> EnumerateUsageEventsAsync(
        string? month = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        string? cursor = null;
        do
        {
            var page = await ListUsageEventsAsync(cursor, limit: null, month, cancellationToken).ConfigureAwait(false);
            foreach (var usage in page.Data)
                yield return usage;
            cursor = page.NextCursor;
        }
        while (cursor is not null);
    }

    /// <summary><c>GET /usage/export.csv</c>: a month's events as CSV (RFC 4180, UTF-8, with a header), oldest first, copied as it arrives.
    /// Each piece may take <see cref="PyResolveClientOptions.RequestTimeout"/>. When it throws, the destination has only a part.</summary>
    /// <param name="destination">The stream to write to; it is left open.</param>
    /// <param name="month">A UTC calendar month, as <c>2026-11</c>; default the current one.</param>
    /// <param name="cancellationToken">Stops the copying.</param>
    public Task ExportUsageAsync(Stream destination, string? month = null, CancellationToken cancellationToken = default) =>
        _transport.DownloadAsync(
            ApiRequest.Get("/usage/export.csv" + Query(("month", month))), "text/csv", Guard.NotNull(destination), cancellationToken);

    private static string? Text(int? number) => number?.ToString(CultureInfo.InvariantCulture);

    private static string Query(params (string Name, string? Value)[] parameters)
    {
        var given = parameters
            .Where(static parameter => parameter.Value is not null)
            .Select(static parameter => $"{parameter.Name}={Uri.EscapeDataString(parameter.Value!)}");
        return string.Join("&", given) is { Length: > 0 } query ? "?" + query : "";
    }
}
