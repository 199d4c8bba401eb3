using PyResolve.Server.Quota;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Ledger;

/// <summary>
/// Writes events within a transaction: each id once, the units of the reservations that they name, and the rollups. Few statements, whatever the
/// number of events. Locks are taken in one order on every instance: reservations, events, rollups, each by its key.
/// </summary>
internal static class LedgerWriter
{
    /// <summary>Records events of any accounts in the order in which they came, spends a unit of each reservation that they name, and ends the transaction.</summary>
    /// <param name="session">The transaction.</param>
    /// <param name="events">The events.</param>
    /// <param name="presumesNew">
    /// Whether no id is expected to be there already, which spares asking: events go with the last statements. Where one is, the store refuses them all.
    /// </param>
    /// <param name="cancellationToken">Abandons it, before its last statements.</param>
    /// <returns>How each ended.</returns>
    public static async Task<IReadOnlyList<RecordOutcome>> RecordAsync(
        Session session, IReadOnlyList<PendingUsageEvent> events, bool presumesNew, CancellationToken cancellationToken)
    {
        var reservations = await LockedReservations.LockAsync(session, NamedBy(events), cancellationToken);
        var outcomes = new RecordOutcome[events.Count];
        var admitted = new List<PendingUsageEvent>(events.Count);
        var places = new List<int>(events.Count);
        for (var i = 0; i < events.Count; i++)
        {
            if (Judge(events[i], reservations) is { } refusal)
            {
                outcomes[i] = refusal;
                continue;
            }

            admitted.Add(InMonthOfHold(events[i], reservations));
            places.Add(i);
        }

        var inserted = presumesNew ? AllRecorded(admitted.Count) : await InsertAsync(session, admitted, cancellationToken);
        var (rollups, late) = (new RollupChanges(), new List<PendingUsageEvent>());
        for (var i = 0; i < admitted.Count; i++)
        {
            var pending = admitted[i];
            outcomes[places[i]] = inserted[i];
            if (inserted[i] is not RecordOutcome.Recorded)
                continue;
            rollups.Add(pending);
            if (pending.Event.ReservationId is { } reservation && !reservations.Spend(pending.UserId, reservation, pending.Event.Id, pending.Event.ReceivedAt))
                late.Add(pending);
        }

        Sql[] events = presumesNew && admitted.Count > 0 ? [Insert(session, admitted)] : [];
        await session.EndAsync([.. events, .. rollups.Write(session), .. reservations.Write(session), .. MarkLate(session, late)]);
        return outcomes;
    }

    /// <summary>Records events whose reservations are the caller's to settle. The rollups are the caller's to write, once all events are there.</summary>
    /// <returns>How each ended.</returns>
    public static async Task<IReadOnlyList<RecordOutcome>> RecordSettledAsync(
        Session session, List<PendingUsageEvent> events, RollupChanges rollups, CancellationToken cancellationToken)
    {
        var outcomes = await InsertAsync(session, events, cancellationToken);
        for (var i = 0; i < outcomes.Length; i++)
        {
            if (outcomes[i] is RecordOutcome.Recorded)
                rollups.Add(events[i]);
        }

        return outcomes;
    }

    private static RecordOutcome[] AllRecorded(int count)
    {
        var outcomes = new RecordOutcome[count];
        Array.Fill(outcomes, RecordOutcome.Recorded);
        return outcomes;
    }

    private static List<(Guid UserId, Guid Id)> NamedBy(IReadOnlyList<PendingUsageEvent> events)
    {
        var named = new List<(Guid, Guid)>();
        foreach (var pending in events)
        {
            if (pending.Event.ReservationId is { } id)
                named.Add((pending.UserId, id));
        }

        return named;
    }

    private static RecordOutcome? Judge(PendingUsageEvent pending, LockedReservations reservations)
    {
        if (pending.Event.ReservationId is not { } id)
            return null;
        if (reservations.Find(pending.UserId, id) is not { } reservation)
            return RecordOutcome.ReservationNotFound;
        return reservation.Tier == pending.Event.Tier ? null : RecordOutcome.TierMismatch;
    }

    private static PendingUsageEvent InMonthOfHold(PendingUsageEvent pending, LockedReservations reservations) =>
        pending.Event.ReservationId is { } id && reservations.Find(pending.UserId, id)!.Month is var month && month != pending.Event.Month
            ? pending with { Event = pending.Event with { Month = month } }
            : pending;

    /// <summary>Stores what is new. Of several with one id the first counts, and the others are compared with what is stored.</summary>
    private static async Task<RecordOutcome[]> InsertAsync(Session session, List<PendingUsageEvent> events, CancellationToken cancellationToken)
    {
        var firsts = new Dictionary<(Guid, Guid), PendingUsageEvent>(events.Count);
        foreach (var pending in events)
            firsts.TryAdd(pending.Key, pending);
        var fresh = await InsertFreshAsync(session, [.. firsts.Values], cancellationToken);
        var earlier = fresh.Count < firsts.Count
            ? await ReadDigestsAsync(session, [.. firsts.Keys.Where(key => !fresh.Contains(key))], cancellationToken)
            : [];

        var outcomes = new RecordOutcome[events.Count];
        for (var i = 0; i < outcomes.Length; i++)
        {
            var pending = events[i];
            if (fresh.Remove(pending.Key))
            {
                outcomes[i] = RecordOutcome.Recorded;
                continue;
            }

            var stored = earlier.TryGetValue(pending.Key, out var digest) ? digest : firsts[pending.Key].Event.PayloadDigest;
            outcomes[i] = pending.Event.PayloadDigest.AsSpan().SequenceEqual(stored) ? RecordOutcome.Duplicate : RecordOutcome.Conflict;
        }

        return outcomes;
    }

    /// <returns>Those that were not there.</returns>
    private static async Task<HashSet<(Guid UserId, Guid Id)>> InsertFreshAsync(
        Session session, List<PendingUsageEvent> events, CancellationToken cancellationToken)
    {
        if (events.Count == 0)
            return [];
        var fresh = await session.ListAsync(
            $"""
            {new SqlPart(Insert(session, events))}
            on conflict (user_id, id) do nothing
            returning user_id, id
            """,
            static row => (row.Uuid(0), row.Uuid(1)),
            cancellationToken);
        return [.. fresh];
    }

    private static Sql Insert(Session session, List<PendingUsageEvent> events)
    {
        var sent = session.Rows("sent", events)
            .With("user_id", pending => pending.UserId)
            .With("id", pending => pending.Event.Id)
            .With("event_type", pending => pending.Event.EventType)
            .With("library", pending => pending.Event.Library)
            .With("tier", pending => pending.Event.Tier)
            .With("quantity", pending => pending.Event.Quantity)
            .With("files_changed", pending => pending.Event.FilesChanged)
            .With("tokens_used", pending => pending.Event.TokensUsed)
            .With("metadata", pending => pending.Event.Metadata)
            .With("month", pending => pending.Event.Month)
            .With("occurred_at", pending => pending.Event.OccurredAt)
            .With("created_at", pending => pending.Event.ReceivedAt)
            .With("reservation_id", pending => pending.Event.ReservationId)
            .With("late", pending => pending.Event.IsLate)
            .With("payload_digest", pending => pending.Event.PayloadDigest);
        return $"""
            insert into usage_events (user_id, id, event_type, library, tier, quantity, files_changed, tokens_used, metadata, month,
                                      occurred_at, created_at, reservation_id, late, payload_digest)
            select user_id, id, event_type, library, tier, quantity, files_changed, tokens_used, metadata, month,
                   occurred_at, created_at, reservation_id, late, payload_digest
            from {sent}
            where true
            order by user_id, id
            """;
    }

    private static async Task<Dictionary<(Guid UserId, Guid Id), byte[]>> ReadDigestsAsync(
        Session session, IReadOnlyList<(Guid UserId, Guid Id)> keys, CancellationToken cancellationToken)
    {
        var known = session.Rows("known", keys).With("user_id", key => key.UserId).With("id", key => key.Id);
        var stored = await session.ListAsync(
            $"select user_id, id, payload_digest from usage_events where (user_id, id) in (select user_id, id from {known})",
            static row => KeyValuePair.Create((row.Uuid(0), row.Uuid(1)), row.BytesOrNull(2) ?? []),
            cancellationToken);
        return new Dictionary<(Guid, Guid), byte[]>(stored);
    }

    /// <summary>Only once it is known which events are new is it known which of them found no unit left.</summary>
    private static IEnumerable<Sql> MarkLate(Session session, List<PendingUsageEvent> late)
    {
        if (late.Count == 0)
            yield break;
        var events = session.Rows("late_events", late).With("user_id", pending => pending.UserId).With("id", pending => pending.Event.Id);
        yield return $"update usage_events set late = {true} where (user_id, id) in (select user_id, id from {events})";
    }
}
