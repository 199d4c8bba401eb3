using PyResolve.Server.Storage;

namespace PyResolve.Server.Ledger;

/// <summary>
/// Records events, with few statements for any number of them. Locks are taken in the order reservations, events, rollups, each by key.
/// </summary>
internal static class LedgerWriter
{
    /// <summary>Spends a unit of each reservation that events name, and ends the transaction. Outcomes are in the events' order.</summary>
    /// <param name="whenUsed">Statements about months whose migrations may have grown.</param>
    /// <param name="presumesNew">Inserts without looking for stored ids: saves a round trip. A stored id fails the transaction.</param>
    public static async Task<IReadOnlyList<RecordOutcome>> RecordAsync(
        Session session,
        IReadOnlyList<PendingUsageEvent> events,
        Func<Session, IEnumerable<(Guid UserId, string Month)>, IEnumerable<Sql>> whenUsed,
        bool presumesNew,
        CancellationToken cancellationToken)
    {
        var reservations = await LockedReservations.LockAsync(session, ReservationsOf(events), cancellationToken);
        var outcomes = new RecordOutcome[events.Count];
        var accepted = new List<PendingUsageEvent>(events.Count);
        var indexes = new List<int>(events.Count);
        for (var i = 0; i < events.Count; i++)
        {
            if (CheckReservation(events[i], reservations) is { } problem)
            {
                outcomes[i] = problem;
                continue;
            }

            accepted.Add(WithMonthOfReservation(events[i], reservations));
            indexes.Add(i);
        }

        var inserted = presumesNew
            ? [.. Enumerable.Repeat(RecordOutcome.Recorded, accepted.Count)]
            : await InsertAsync(session, accepted, cancellationToken);
        var (rollups, late, charges) = (new RollupChanges(), new List<PendingUsageEvent>(), new List<Charge>());
        for (var i = 0; i < accepted.Count; i++)
        {
            var pending = accepted[i];
            outcomes[indexes[i]] = inserted[i];
            // The commit of a lost reservation was recorded without what only the reservation had said: tier and library.
            if (inserted[i] is RecordOutcome.Conflict && pending.Event.ReservationId is { } lost
                && reservations.MayBeLost(pending.UserId, lost))
                outcomes[indexes[i]] = RecordOutcome.Duplicate;
            if (inserted[i] is not RecordOutcome.Recorded)
                continue;
            rollups.Add(pending);
            if (pending.Event is not { ReservationId: { } id } usage)
                continue;
            Charge? charge = null;
            if (reservations.MayBeLost(pending.UserId, id)
                || !reservations.Spend(pending.UserId, id, usage.Id, usage.ReceivedAt, out charge))
                late.Add(pending);
            if (charge is not null)
                charges.Add(charge);
        }

        IEnumerable<Sql> inserts = presumesNew && accepted.Count > 0
            ? session.Engine.InParts(accepted, some => Insert(session, some))
            : [];
        // An event that is stored already may not be replicated yet, where an earlier request for it was cut short.
        var known = events.Where((_, index) => outcomes[index] is RecordOutcome.Duplicate).Select(static pending => pending.Key).ToList();
        await session.EndAsync(
        [
            .. inserts,
            .. rollups.Write(session),
            .. reservations.Write(session),
            .. MarkLate(session, late),
            .. Charges.Write(session, charges),
            .. whenUsed(session, rollups.Grown.Concat(reservations.Months)),
            .. WaitForReplicas(session, known),
        ]);
        return outcomes;
    }

    /// <summary>Records events whose reservations the caller settles. The caller also writes the rollups, after its last events.</summary>
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

    private static List<(Guid UserId, Guid Id)> ReservationsOf(IReadOnlyList<PendingUsageEvent> events) =>
    [
        .. from pending in events
           where pending.Event.ReservationId is not null
           select (pending.UserId, pending.Event.ReservationId!.Value),
    ];

    private static RecordOutcome? CheckReservation(PendingUsageEvent pending, LockedReservations reservations)
    {
        if (pending.Event.ReservationId is not { } id)
            return null;
        if (reservations.Find(pending.UserId, id) is not { } reservation)
            return reservations.MayBeLost(pending.UserId, id) ? null : RecordOutcome.ReservationNotFound;
        return reservation.Tier == pending.Event.Tier ? null : RecordOutcome.TierMismatch;
    }

    private static PendingUsageEvent WithMonthOfReservation(PendingUsageEvent pending, LockedReservations reservations)
    {
        if (pending.Event.ReservationId is not { } id)
            return pending;
        var month = reservations.Find(pending.UserId, id)?.Month ?? Ids.CreatedAt(id)?.ToMonth();
        return month is null || month == pending.Event.Month ? pending : pending with { Event = pending.Event with { Month = month } };
    }

    /// <summary>Inserts events. Of several with one id the first counts; the others are compared with it.</summary>
    private static async Task<RecordOutcome[]> InsertAsync(
        Session session, List<PendingUsageEvent> events, CancellationToken cancellationToken)
    {
        var firstById = new Dictionary<(Guid, Guid), PendingUsageEvent>(events.Count);
        foreach (var pending in events)
            firstById.TryAdd(pending.Key, pending);
        var inserted = await InsertNewAsync(session, [.. firstById.Values], cancellationToken);
        var earlier = inserted.Count < firstById.Count
            ? await ReadDigestsAsync(session, [.. firstById.Keys.Where(key => !inserted.Contains(key))], cancellationToken)
            : [];

        var outcomes = new RecordOutcome[events.Count];
        for (var i = 0; i < outcomes.Length; i++)
        {
            var pending = events[i];
            if (inserted.Remove(pending.Key))
            {
                outcomes[i] = RecordOutcome.Recorded;
                continue;
            }

            var stored = earlier.TryGetValue(pending.Key, out var digest) ? digest : firstById[pending.Key].Event.PayloadDigest;
            outcomes[i] = pending.Event.PayloadDigest.AsSpan().SequenceEqual(stored) ? RecordOutcome.Duplicate : RecordOutcome.Conflict;
        }

        return outcomes;
    }

    /// <returns>The keys of the events that were not stored before.</returns>
    private static async Task<HashSet<(Guid UserId, Guid Id)>> InsertNewAsync(
        Session session, List<PendingUsageEvent> events, CancellationToken cancellationToken)
    {
        if (events.Count == 0)
            return [];
        var inserted = await session.ListAsync(
            session.Engine.InParts(
                events,
                some =>
                    $"""
                    {new SqlPart(Insert(session, some))}
                    on conflict (user_id, id) do nothing
                    returning user_id, id
                    """),
            static row => (row.Uuid(0), row.Uuid(1)),
            cancellationToken);
        return [.. inserted];
    }

    private static Sql Insert(Session session, IReadOnlyList<PendingUsageEvent> events)
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
            .With("key_id", pending => pending.Event.KeyId)
            .With("late", pending => pending.Event.IsLate)
            .With("payload_digest", pending => pending.Event.PayloadDigest);
        return $"""
            insert into usage_events (user_id, id, event_type, library, tier, quantity, files_changed, tokens_used, metadata, month,
                                      occurred_at, created_at, reservation_id, key_id, late, payload_digest)
            {sent.Inserted("user_id", "id")}
            """;
    }

    private static async Task<Dictionary<(Guid UserId, Guid Id), byte[]>> ReadDigestsAsync(
        Session session, IReadOnlyList<(Guid UserId, Guid Id)> keys, CancellationToken cancellationToken)
    {
        var stored = await session.ListAsync(
            session.ByAccount(
                keys,
                static key => key.UserId,
                (some, account) =>
                    $"""
                    select user_id, id, payload_digest from usage_events where (user_id, id) in (
                        select k.user_id, k.id
                        from {session.Rows("k", some).With("user_id", key => key.UserId).With("id", key => key.Id)}){account.And("user_id")}
                    """),
            static row => KeyValuePair.Create((row.Uuid(0), row.Uuid(1)), row.BytesOrNull(2) ?? []),
            cancellationToken);
        return new Dictionary<(Guid, Guid), byte[]>(stored);
    }

    /// <summary>Statements after which the commit waits until stored events are replicated.</summary>
    /// <remarks>The machine that has the row waits, so it must write something.</remarks>
    public static IEnumerable<Sql> WaitForReplicas(Session session, IReadOnlyList<(Guid UserId, Guid Id)> events) => events.Count == 0
        ? []
        : session.Engine.IsDistributed
        ? events.Distinct().Select(static key => (Sql)
            $"update usage_events set late = late where user_id = {key.UserId} and id = {key.Id}")
        : session.Engine.WaitForReplicas is { } statement ? [statement] : [];

    /// <summary>
    /// Marks late events after the insert: only then is it known which events are new, and which of those found no unit left.
    /// </summary>
    private static IEnumerable<Sql> MarkLate(Session session, List<PendingUsageEvent> late) => late.Count == 0 ? [] : session.ByAccount(
        late,
        static pending => pending.UserId,
        (some, account) =>
            $"""
            update usage_events set late = {true} where (user_id, id) in (
                select l.user_id, l.id
                from {session.Rows("l", some)
                    .With("user_id", pending => pending.UserId)
                    .With("id", pending => pending.Event.Id)}){account.And("user_id")}
            """);
}
