using PyResolve.Client.Wire;
using PyResolve.Server.Ledger;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Statistics;

/// <summary>What is searched for; null: any. The days are those on which an event happened, both included.</summary>
internal sealed record EventFilter(
    string? Month, string? Library, string? Tier, string? EventType, Guid? KeyId, DateOnly? From, DateOnly? To)
{
    /// <summary>Whether events of the list may be left out. A month alone leaves out none: it has an index.</summary>
    public bool IsSelective => this with { Month = null } != new EventFilter(null, null, null, null, null, null, null);
}

/// <summary>
/// A page of events that were found. <c>LookedThrough</c>: so many events, and more may follow; null: all that were left.
/// </summary>
internal sealed record FoundEvents(IReadOnlyList<RecordedUsageEvent> Events, EventPosition? Next, int? LookedThrough);

/// <summary>An event with the reservation that it names, where it still exists.</summary>
internal sealed record EventReceipt(RecordedUsageEvent Event, StoredReservation? Reservation);

/// <summary>
/// Searches events in the order of <see cref="EventList"/>. Where no index helps, a bounded number of events is looked through, so that no
/// page takes long in an account with millions of them; the next page goes on from there.
/// </summary>
internal sealed class EventSearch(Database database, TimeProvider time)
{
    public const int Window = 5_000;

    public async Task<FoundEvents> FindAsync(
        Guid userId, EventFilter filter, EventPosition? after, int limit, CancellationToken cancellationToken)
    {
        var start = after ?? (filter.Month is { } month ? EventPosition.NewestOf(month) : EventPosition.Newest);
        var list = After(userId, filter, start);
        var rows = await database.OfAccount(userId).ListAsync(
            filter.IsSelective ? InWindow(userId, list, Conditions(filter), limit + 1) : InOrder(list, limit + 1),
            static row => (
                Event: row.Boolean(EventColumns.Count) ? null : EventColumns.Read(row, EventColumns.Metadata(row)),
                Position: EventColumns.PositionOf(row)),
            cancellationToken);
        var found = rows.Where(static row => row.Event is not null).ToList();
        var page = found.Take(limit).ToList();
        var events = page.ConvertAll(static row => row.Event!);
        if (found.Count > limit)
            return new FoundEvents(events, page[^1].Position, LookedThrough: null);
        return rows.Count - found.Count == 2
            ? new FoundEvents(events, rows[found.Count].Position, Window)
            : new FoundEvents(events, Next: null, LookedThrough: null);
    }

    public async Task<EventReceipt?> ReadAsync(Guid userId, Guid id, CancellationToken cancellationToken)
    {
        var usage = await database.OfAccount(userId).FirstAsync(
            $"select {EventColumns.Names} from usage_events where user_id = {userId} and id = {id}",
            static row => EventColumns.Read(row, EventColumns.Metadata(row)),
            cancellationToken);
        if (usage is null)
            return null;
        var reservation = usage.ReservationId is not { } reservationId ? null : await database.OfAccount(userId).FirstAsync(
            $"select {StoredReservation.Columns} from reservations where user_id = {userId} and id = {reservationId}",
            StoredReservation.Read,
            cancellationToken);
        return new EventReceipt(usage, reservation?.At(time.GetInstant()));
    }

    private static Sql InOrder(SqlPart list, int count) =>
        $"""
        select {EventColumns.Names}, false from usage_events where {list} order by month desc, created_at desc, id desc limit {count}
        """;

    /// <summary>
    /// The matching events of the window; then, marked, the window's last event and the one that follows it, if one does. One statement, so
    /// that an event that arrives meanwhile cannot move the window. Each part ends by its limit: an index is read backwards no further than
    /// that, while PostgreSQL reads it to its end for a lower bound of three columns.
    /// </summary>
    private static Sql InWindow(Guid userId, SqlPart list, SqlPart conditions, int count) =>
        $"""
        select * from (
            select {EventColumns.Names}, false as is_edge
            from usage_events
            where user_id = {userId} and id in (
                select id
                from (
                    select id, month, created_at, occurred_at, event_type, library, tier, key_id
                    from usage_events
                    where {list}
                    order by month desc, created_at desc, id desc
                    limit {Window}
                ) as looked_through
                where {conditions}
                order by month desc, created_at desc, id desc
                limit {count}
            )
            union all
            select {EventColumns.PositionAlone}, true
            from (
                select id, month, created_at
                from usage_events
                where {list}
                order by month desc, created_at desc, id desc
                limit 2 offset {Window - 1}
            ) as edge
        ) as found
        order by is_edge, month desc, created_at desc, id desc
        """;

    private static SqlPart After(Guid userId, EventFilter filter, EventPosition start)
    {
        SqlPart? ofMonth = filter.Month is { } month ? new SqlPart($"and month = {month}") : null;
        return new SqlPart(
            $"user_id = {userId} {ofMonth} and (month, created_at, id) < ({start.Month}, {start.RecordedAt}, {start.Id})");
    }

    private static SqlPart Conditions(EventFilter filter)
    {
        SqlPart? library = filter.Library is { } name ? new SqlPart($"and library = {name}") : null;
        SqlPart? tier = filter.Tier is { } tierName ? new SqlPart($"and tier = {tierName}") : null;
        SqlPart? type = filter.EventType is { } typeName ? new SqlPart($"and event_type = {typeName}") : null;
        SqlPart? key = filter.KeyId is { } keyId ? new SqlPart($"and key_id = {keyId}") : null;
        SqlPart? from = filter.From is { } first ? new SqlPart($"and occurred_at >= {StartOf(first)}") : null;
        SqlPart? to = filter.To is { } last ? new SqlPart($"and occurred_at < {StartOf(last).AddDays(1)}") : null;
        return new SqlPart($"true {library} {tier} {type} {key} {from} {to}");
    }

    private static DateTimeOffset StartOf(DateOnly day) => new(day, TimeOnly.MinValue, TimeSpan.Zero);
}
