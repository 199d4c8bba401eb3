using PyResolve.Server.Http;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Statistics;

/// <summary>
/// Exports a month's events. Only one chunk is in memory, and between two no connection or snapshot is held, however slowly the client
/// reads.
/// </summary>
internal sealed partial class UsageExport(Database database, ILogger<UsageExport> logger)
{
    private const int ChunkBytes = 256 * 1024;
    private const int MinRows = 10;
    private const int MaxRows = 2_000;

    /// <summary>
    /// Sends the export. A failure after the first byte aborts the connection, so that a truncated file never looks complete.
    /// </summary>
    public async Task SendAsync(HttpContext http, Guid userId, string month)
    {
        var csv = new CsvBuffer(ChunkBytes);
        foreach (var name in EventColumns.CsvHeader)
            csv.Text(name);
        csv.EndRecord();
        var chunks = new Chunks(database, userId, month, await LastRecordedAsync(userId, month, http.RequestAborted), csv);
        await chunks.ReadAsync(http.RequestAborted);

        http.Response.ContentType = "text/csv; charset=utf-8";
        http.Response.Headers.ContentDisposition = $"attachment; filename=\"pyresolve-usage-{month}.csv\"";
        if (http.IsHead())
            return;
        try
        {
            await http.Response.Body.WriteAsync(csv.Written, http.RequestAborted);
            while (!chunks.IsEnd)
            {
                csv.Clear();
                await chunks.ReadAsync(http.RequestAborted);
                await http.Response.Body.WriteAsync(csv.Written, http.RequestAborted);
            }
        }
        catch (Exception) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client has disconnected.
        }
        catch (Exception exception)
        {
            Log.Truncated(logger, exception, month, http.TraceIdentifier);
            http.Abort();
        }
    }

    /// <summary>Finds the end of the export: without it, the export could follow the writers and never end.</summary>
    private async Task<DateTimeOffset?> LastRecordedAsync(Guid userId, string month, CancellationToken cancellationToken)
    {
        var last = await database.OfAccount(userId).FirstAsync(
            $"select created_at from usage_events where user_id = {userId} and month = {month} order by created_at desc limit 1",
            static row => new { RecordedAt = row.Instant(0) },
            cancellationToken);
        return last?.RecordedAt;
    }

    private sealed class Chunks(Database database, Guid userId, string month, DateTimeOffset? until, CsvBuffer csv)
    {
        private EventPosition _after = EventPosition.OldestOf(month);

        /// <summary>How many rows to read: about as many as fit, because the database also sends those that do not.</summary>
        private int _rows = 100;

        public bool IsEnd { get; private set; } = until is null;

        public async Task ReadAsync(CancellationToken cancellationToken)
        {
            if (IsEnd)
                return;
            var count = 0;
            await database.OfAccount(userId).VisitAsync(
                $"""
                select {EventColumns.Names}
                from usage_events
                where user_id = {userId} and month = {month}
                  and (created_at, id) > ({_after.RecordedAt}, {_after.Id}) and created_at <= {until}
                order by created_at, id
                limit {_rows}
                """,
                row =>
                {
                    count++;
                    EventColumns.Write(row, csv);
                    _after = EventColumns.PositionOf(row);
                    return !csv.IsFull;
                },
                cancellationToken);
            IsEnd = count < _rows && !csv.IsFull;
            // None: the chunk before ended with the last event, and was full.
            if (count > 0)
                _rows = (int)Math.Clamp((long)count * ChunkBytes / csv.Written.Length, MinRows, MaxRows);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The export of {Month} was truncated (request {RequestId})")]
        public static partial void Truncated(ILogger logger, Exception exception, string month, string requestId);
    }
}
