using PyResolve.Server.Storage;

namespace PyResolve.Server.Statistics;

/// <summary>
/// A month's events as CSV, oldest first, read and sent piece by piece. Between two pieces nothing of the store is held, neither a connection
/// nor a snapshot, however slowly the client reads; and no more than one piece is in memory.
/// </summary>
internal sealed partial class UsageExport(Database database, ILogger<UsageExport> logger)
{
    private const int PieceBytes = 256 * 1024;
    private const int PieceRows = 2_000;

    /// <summary>
    /// Everything that was recorded before the call is sent, once; what arrives meanwhile is not waited for. A failure before the first byte
    /// is an answer of its own; after it the connection is cut, so that half a file never looks like a whole one.
    /// </summary>
    public async Task SendAsync(HttpContext http, Guid userId, string month)
    {
        var cancellationToken = http.RequestAborted;
        var csv = new CsvBuffer(PieceBytes);
        foreach (var name in EventColumns.CsvHeader)
            csv.Text(name);
        csv.EndRecord();

        EventPosition? next = null;
        var until = await LastRecordedAsync(userId, month, cancellationToken);
        if (until is { } end)
            next = await FillAsync(csv, userId, EventPosition.OldestOf(month), end, cancellationToken);

        http.Response.ContentType = "text/csv; charset=utf-8";
        http.Response.Headers.ContentDisposition = $"attachment; filename=\"pyresolve-usage-{month}.csv\"";
        try
        {
            await http.Response.Body.WriteAsync(csv.Written, cancellationToken);
            while (next is { } after)
            {
                csv.Clear();
                next = await FillAsync(csv, userId, after, until!.Value, cancellationToken);
                await http.Response.Body.WriteAsync(csv.Written, cancellationToken);
            }
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            Log.CutShort(logger, exception, month, http.TraceIdentifier);
            http.Abort();
        }
    }

    /// <summary>What is stored later on has been recorded later, or is not acknowledged yet: without an end, an export could chase the writers for ever.</summary>
    private async Task<DateTimeOffset?> LastRecordedAsync(Guid userId, string month, CancellationToken cancellationToken)
    {
        var last = await database.FirstAsync(
            $"select created_at from usage_events where user_id = {userId} and month = {month} order by created_at desc limit 1",
            static row => new { RecordedAt = row.Instant(0) },
            cancellationToken);
        return last?.RecordedAt;
    }

    /// <returns>Where it stopped with more to come, or <see langword="null"/>.</returns>
    private async Task<EventPosition?> FillAsync(CsvBuffer csv, Guid userId, EventPosition after, DateTimeOffset until, CancellationToken cancellationToken)
    {
        var last = after;
        var count = 0;
        await database.VisitAsync(
            $"""
            select {EventColumns.Names}
            from usage_events
            where user_id = {userId} and month = {after.Month} and (created_at, id) > ({after.RecordedAt}, {after.Id}) and created_at <= {until}
            order by created_at, id
            limit {PieceRows}
            """,
            row =>
            {
                EventColumns.Write(row, csv);
                last = EventColumns.PositionOf(row);
                return ++count < PieceRows && !csv.IsFull;
            },
            cancellationToken);
        return count == PieceRows || csv.IsFull ? last : null;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The export of {Month} was cut short (request {RequestId})")]
        public static partial void CutShort(ILogger logger, Exception exception, string month, string requestId);
    }
}
