using PyResolve.Client.Wire;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Statistics;

/// <summary>Lists events: the newest month first, and the latest recorded first within a month.</summary>
internal sealed class EventList(Database database)
{
    public async Task<UsageEventPage> ReadAsync(
        Guid userId, string? month, EventPosition? after, int limit, CancellationToken cancellationToken)
    {
        var page = new Page(limit);
        await database.OfAccount(userId).VisitAsync(
            month is null
                ? OfAllMonths(userId, after ?? EventPosition.Newest, limit + 1)
                : OfMonth(userId, after ?? EventPosition.NewestOf(month), limit + 1),
            page.Add,
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

    /// <summary>A page of events. The metadata is limited too, because an event may have 16 KiB of it.</summary>
    private sealed class Page(int limit)
    {
        private const int MaxMetadata = 1024 * 1024;

        private readonly List<RecordedUsageEvent> _events = [];
        private EventPosition _last;
        private int _metadataLength;
        private bool _hasMore;

        public bool Add(Row row)
        {
            _hasMore = _events.Count == limit || _metadataLength >= MaxMetadata;
            if (_hasMore)
                return false;
            var metadata = EventColumns.Metadata(row);
            _metadataLength += metadata.Length;
            _events.Add(EventColumns.Read(row, metadata));
            _last = EventColumns.PositionOf(row);
            return true;
        }

        public UsageEventPage ToWire() => new(_events, _hasMore ? _last.ToCursor() : null);
    }
}
