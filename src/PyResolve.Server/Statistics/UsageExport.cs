using PyResolve.Server.Storage;

namespace PyResolve.Server.Statistics;

/// <summary>
/// A month's events as CSV, oldest first, read and sent piece by piece. Between two pieces nothing of the store is held, neither a connection
/// nor a snapshot, however slowly the client reads; and no more than one piece is in memory.
/// </summary>
internal sealed partial class UsageExport(Database database, ILogger<UsageExport> logger)
{
    private const int PieceBytes = 256 * 1024;
    private const int FewestRows = 10;
    private const int MostRows = 2_000;

    /// <summary>
    /// Everything that was recorded before the call is sent, once; what arrives meanwhile is not waited for. A failure before the first byte
    /// is an answer of its own; after it the connection is cut, so that half a file never looks like a whole one.
    /// </summary>
    public async Task SendAsync(HttpContext http, Guid userId, string month)
    {
        var csv = new CsvBuffer(PieceBytes);
        foreach (var name in EventColumns.CsvHeader)
            csv.Text(name);
        csv.EndRecord();
        var pieces = new Pieces(database, userId, month, await LastRecordedAsync(userId, month, http.RequestAborted), csv);
        await pieces.ReadAsync(http.RequestAborted);

        http.Response.ContentType = "text/csv; charset=utf-8";
        http.Response.Headers.ContentDisposition = $"attachment; filename=\"pyresolve-usage-{month}.csv\"";
        try
        {
            await http.Response.Body.WriteAsync(csv.Written, http.RequestAborted);
            while (!pieces.IsEnd)
            {
                csv.Clear();
                await pieces.ReadAsync(http.RequestAborted);
                await http.Response.Body.WriteAsync(csv.Written, http.RequestAborted);
            }
        }
        catch (Exception) when (http.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there to send the rest to.
        }
        catch (Exception exception)
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

    /// <summary>Reads a month's events into a buffer, as many at once as it takes.</summary>
    private sealed class Pieces(Database database, Guid userId, string month, DateTimeOffset? until, CsvBuffer csv)
    {
        private EventPosition _after = EventPosition.OldestOf(month);

        /// <summary>As many as fit. What is asked for and does not fit is sent by the database all the same.</summary>
        private int _rows = 100;

        public bool IsEnd { get; private set; } = until is null;

        public async Task ReadAsync(CancellationToken cancellationToken)
        {
            if (IsEnd)
                return;
            var count = 0;
            await database.VisitAsync(
                $"""
                select {EventColumns.Names}
                from usage_events
                where user_id = {userId} and month = {month} and (created_at, id) > ({_after.RecordedAt}, {_after.Id}) and created_at <= {until}
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
            _rows = (int)Math.Clamp((long)count * PieceBytes / csv.Written.Length, FewestRows, MostRows);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The export of {Month} was cut short (request {RequestId})")]
        public static partial void CutShort(ILogger logger, Exception exception, string month, string requestId);
    }
}
