using PyResolve.Client.Wire;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Statistics;

/// <summary>An account's events page by page: the newest month first, and within a month what was recorded last.</summary>
internal sealed class EventList(Database database)
{
    /// <param name="userId">The account.</param>
    /// <param name="month">One month alone; default all.</param>
    /// <param name="after">Where the page before ended; default before the newest event.</param>
    /// <param name="limit">The most events to read.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<UsageEventPage> ReadAsync(Guid userId, string? month, EventPosition? after, int limit, CancellationToken cancellationToken)
    {
        var page = new Page(limit);
        await database.VisitAsync(
            month is null ? OfAllMonths(userId, after ?? EventPosition.Newest, limit + 1) : OfMonth(userId, after ?? EventPosition.NewestOf(month), limit + 1),
            page.Take,
            cancellationToken);
        return page.ToWire();
    }

    private static Sql OfAllMonths(Guid userId, EventPosition after, int count) =>
        $"""
        select {EventColumns.Names}
        from usage_events
        where user_id = {userId} and (month, created_at, id) < ({after.Month}, {after.RecordedAt}, {after.Id})
        order by month desc, created_at desc, id desc
        limit {count}
        """;

    private static Sql OfMonth(Guid userId, EventPosition after, int count) =>
        $"""
        select {EventColumns.Names}
        from usage_events
        where user_id = {userId} and month = {after.Month} and (created_at, id) < ({after.RecordedAt}, {after.Id})
        order by created_at desc, id desc
        limit {count}
        """;

    /// <summary>What fits into one answer, which stays small although an event may carry 16 KiB of metadata.</summary>
    private sealed class Page(int limit)
    {
        private const int MostMetadata = 1024 * 1024;

        private readonly List<RecordedUsageEvent> _events = [];
        private EventPosition _last;
        private int _metadataLength;
        private bool _isMore;

        public bool Take(Row row)
        {
            _isMore = _events.Count == limit || _metadataLength >= MostMetadata;
            if (_isMore)
                return false;
            var metadata = EventColumns.Metadata(row);
            _metadataLength += metadata.Length;
            _events.Add(EventColumns.Read(row, metadata));
            _last = EventColumns.PositionOf(row);
            return true;
        }

        public UsageEventPage ToWire() => new(_events, _isMore ? _last.ToCursor() : null);
    }
}
