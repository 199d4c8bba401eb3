using System.Globalization;
using PyResolve.Client.Wire;

namespace PyResolve.Client;

public sealed partial class PyResolveClient
{
    /// <summary><c>POST /usage/batch</c>: records events, each with a verdict of its own, durable when this returns. <see cref="Usage"/> does it in the background.</summary>
    /// <param name="events">1 to 1000 events; with an <see cref="UsageEventRequest.Id"/> each they are safe to send again.</param>
    /// <param name="cancellationToken">Gives up waiting; the events may have been recorded.</param>
    public Task<UsageBatchResponse> RecordUsageAsync(IReadOnlyList<UsageEventRequest> events, CancellationToken cancellationToken = default)
    {
        Guard.NotNull(events);
        var request = ApiRequest.Post("/usage/batch") with { IsRepeatable = events.All(static usage => usage.Id is not null) };
        return _transport.SendAsync(
            request.With(new() { Events = events }, WireJson.Requests.UsageBatchRequest),
            WireJson.Default.UsageBatchResponse, answer => answer.Results?.Count == events.Count, cancellationToken);
    }

    /// <summary><c>GET /usage</c>: a month's totals, by day and by library.</summary>
    /// <param name="month">A UTC calendar month, as <c>2026-11</c>; default the current one.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    public Task<UsageStatistics> GetUsageAsync(string? month = null, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            ApiRequest.Get(month is null ? "/usage" : $"/usage?month={Uri.EscapeDataString(month)}"),
            WireJson.Default.UsageStatistics, static usage => usage.Month is not null, cancellationToken);

    /// <summary><c>GET /usage/history</c>: the totals of past months.</summary>
    /// <param name="months">How many, the current one included; default the server's, 12.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    public async Task<IReadOnlyList<MonthlyUsage>> GetUsageHistoryAsync(int? months = null, CancellationToken cancellationToken = default)
    {
        var path = months is { } count ? "/usage/history?months=" + count.ToString(CultureInfo.InvariantCulture) : "/usage/history";
        var history = await _transport.SendAsync(
            ApiRequest.Get(path), WireJson.Default.UsageHistory, static history => history.Data is not null, cancellationToken).ConfigureAwait(false);
        return history.Data;
    }

    /// <summary><c>GET /usage/events</c>: what was recorded, page by page, the newest first.</summary>
    /// <param name="cursor">The <see cref="UsageEventPage.NextCursor"/> of the page before; default the first page.</param>
    /// <param name="limit">How many at most; default the server's.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    public Task<UsageEventPage> ListUsageEventsAsync(string? cursor = null, int? limit = null, CancellationToken cancellationToken = default)
    {
        var query = new List<string>();
        if (cursor is not null)
            query.Add("cursor=" + Uri.EscapeDataString(cursor));
        if (limit is { } most)
            query.Add("limit=" + most.ToString(CultureInfo.InvariantCulture));
        var path = query.Count == 0 ? "/usage/events" : "/usage/events?" + string.Join("&", query);
        return _transport.SendAsync(ApiRequest.Get(path), WireJson.Default.UsageEventPage, static page => page.Data is not null, cancellationToken);
    }
}
