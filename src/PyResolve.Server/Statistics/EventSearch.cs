using PyResolve.Client.Wire;
using PyResolve.Server.Ledger;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Statistics;

/// <summary>null: any. The days are those on which an event happened, both included.</summary>
internal sealed record EventFilter(
    string? Month, string? Library, string? Tier, string? EventType, Guid? KeyId, DateOnly? From, DateOnly? To)
{
    /// <summary>Whether events of the list may be left out. A month alone leaves out none: it has an index.</summary>
    public bool IsSelective => this with { Month = null } != new EventFilter(null, null, null, null, null, null, null);
}

/// <summary><c>LookedThrough</c>: so many events, and more may follow; null: all that were left.</summary>
internal sealed record FoundEvents(IReadOnlyList<RecordedUsageEvent> Events, EventPosition? Next, int? LookedThrough);

/// <summary>An event with the reservation that it names, where it still exists.</summary>
internal sealed record EventReceipt(RecordedUsageEvent Event, StoredReservation? Reservation);

/// <summary>
/// In the order of <see cref="EventList"/>. What no index finds is looked for in a bounded number of events, so that no page takes long in
/// an account with millions of them; the next page goes on from there.
/// </summary>
internal sealed class EventSearch(Database database, TimeProvider time)
{
    public const int Window = 10_000;

    public async Task<FoundEvents> FindAsync(
        Guid userId, EventFilter filter, EventPosition? after, int limit, CancellationToken cancellationToken)
    {
        var start = after ?? (filter.Month is { } month ? EventPosition.NewestOf(month) : EventPosition.Newest);
        var end = filter.IsSelective ? await EndOfWindowAsync(userId, filter, start, cancellationToken) : null;
        SqlPart? untilEnd = end is { } last
            ? new SqlPart($"and (month, created_at, id) >= ({last.Month}, {last.RecordedAt}, {last.Id})")
            : null;
        var found = await database.ListAsync(
            $"""
            select {EventColumns.Names}
            from usage_events
            where {After(userId, filter, start)} {untilEnd} {Conditions(filter)}
            order by month desc, created_at desc, id desc
            limit {limit + 1}
            """,
            static row => (Event: EventColumns.Read(row, EventColumns.Metadata(row)), Position: EventColumns.PositionOf(row)),
            cancellationToken);
        var page = found.Take(limit).ToList();
        var isFull = found.Count > limit;
        return new FoundEvents(
            [.. page.Select(static row => row.Event)], isFull ? page[^1].Position : end, isFull || end is null ? null : Window);
    }

    public async Task<EventReceipt?> ReadAsync(Guid userId, Guid id, CancellationToken cancellationToken)
    {
        var usage = await database.FirstAsync(
            $"select {EventColumns.Names} from usage_events where user_id = {userId} and id = {id}",
            static row => EventColumns.Read(row, EventColumns.Metadata(row)),
            cancellationToken);
        if (usage is null)
            return null;
        var reservation = usage.ReservationId is not { } reservationId ? null : await database.FirstAsync(
            $"select {StoredReservation.Columns} from reservations where user_id = {userId} and id = {reservationId}",
            StoredReservation.Read,
            cancellationToken);
        return new EventReceipt(usage, reservation?.At(time.GetInstant()));
    }

    /// <returns>The last event of the window; null where no event follows it.</returns>
    private async Task<EventPosition?> EndOfWindowAsync(
        Guid userId, EventFilter filter, EventPosition start, CancellationToken cancellationToken)
    {
        var rows = await database.ListAsync(
            $"""
            select month, created_at, id
            from usage_events
            where {After(userId, filter, start)}
            order by month desc, created_at desc, id desc
            limit 2 offset {Window - 1}
            """,
            static row => new EventPosition(row.Text(0), row.Instant(1), row.Uuid(2)),
            cancellationToken);
        return rows.Count == 2 ? rows[0] : null;
    }

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
        return new SqlPart($"{library} {tier} {type} {key} {from} {to}");
    }

    private static DateTimeOffset StartOf(DateOnly day) => new(day, TimeOnly.MinValue, TimeSpan.Zero);
}
