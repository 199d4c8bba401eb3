using PyResolve.Server.Storage;

namespace PyResolve.Server.Ledger;

/// <summary>
/// Statements about the rows of reservations. Every transaction locks profiles, then reservations, then rollups, each in key order, so that
/// none deadlock.
/// </summary>
internal static class ReservationRows
{
    public static Task<List<StoredReservation>> LockDueAsync(
        Session session, IReadOnlyList<Guid> userIds, int max, DateTimeOffset now, CancellationToken cancellationToken) =>
        session.ListAsync(LockDueAnd(session, userIds, [], max, now), StoredReservation.Read, cancellationToken);

    /// <returns>Some may be settled already, by the transaction that held their locks before.</returns>
    public static List<StoredReservation> LockDueAnd(
        ReadBatch batch, IReadOnlyList<Guid> userIds, IReadOnlyList<(Guid UserId, Guid Id)> others, int max, DateTimeOffset now) =>
        batch.List(LockDueAnd(batch.Session, userIds, others, max, now), StoredReservation.Read);

    /// <summary>Counts the units that return to this month when due reservations are settled. Each reservation has at least one.</summary>
    /// <param name="except">Reservations that this transaction has settled in memory.</param>
    /// <remarks>A subquery for each account: with a join, PostgreSQL would read the due reservations of all accounts.</remarks>
    public static async Task<Dictionary<Guid, long>> CountReturningUnitsAsync(
        Session session,
        IReadOnlyList<Guid> userIds,
        IReadOnlyList<StoredReservation> except,
        int max,
        DateTimeOffset now,
        CancellationToken cancellationToken) =>
        (await session.ListAsync(
            session.ByAccount(
                userIds,
                static id => id,
                (some, account) =>
                    $"""
                    select a.user_id, (
                        select cast(coalesce(sum(d.remaining), 0) as bigint)
                        from (
                            select r.remaining
                            from reservations r
                            where r.user_id = a.user_id and {StoredReservation.IsDue(now)} and r.month = {now.ToMonth()}
                              and (r.settled_as is not null or not r.leased)
                              and (r.user_id, r.id) not in (
                                  select x.user_id, x.id
                                  from {session.Rows("x", except)
                                      .With("user_id", static row => row.UserId)
                                      .With("id", static row => row.Id)})
                              {account.And("r.user_id")}
                            limit {max}) d)
                    from {session.Rows("a", some).With("user_id", static id => id)}
                    """),
            static row => (UserId: row.Uuid(0), Units: row.Int64(1)),
            cancellationToken)).ToDictionary(static pair => pair.UserId, static pair => pair.Units);

    /// <summary>Locks due reservations, the oldest first, and skips rows that are locked.</summary>
    public static Task<List<StoredReservation>> LockSomeDueAsync(
        Session session, IReadOnlyList<Guid> except, int max, DateTimeOffset now, CancellationToken cancellationToken) =>
        session.Engine.IsDistributed
            ? DistributedReservations.LockSomeDueAsync(session, except, max, now, cancellationToken)
            : session.ListAsync(
                $"""
                select {StoredReservation.Columns}
                from reservations
                where {StoredReservation.IsDue(now)}
                  and user_id not in (select x.user_id from {session.Rows("x", except).With("user_id", static id => id)})
                order by expires_at
                limit {max} {session.Engine.ForUpdateSkippingLocked}
                """,
                StoredReservation.Read,
                cancellationToken);

    /// <returns>When the next reservation ends, or ended; null where none is held.</returns>
    /// <remarks>
    /// Ordered, so that PostgreSQL uses the index on expiry. Without, it expects to find a row early in the table, and reads all of it.
    /// </remarks>
    public static async Task<DateTimeOffset?> FindNextEndAsync(
        Session session, IReadOnlyList<Guid> except, CancellationToken cancellationToken) =>
        (await session.ListAsync(
            $"""
            select expires_at
            from reservations
            where state = 'held'
              and user_id not in (select x.user_id from {session.Rows("x", except).With("user_id", static id => id)})
            order by expires_at
            limit 1
            """,
            static row => (DateTimeOffset?)row.Instant(0),
            cancellationToken)).FirstOrDefault();

    public static Task<List<StoredReservation>> LockAsync(
        Session session, IReadOnlyList<(Guid UserId, Guid Id)> keys, CancellationToken cancellationToken) => session.ListAsync(
        session.ByAccount(
            keys,
            static key => key.UserId,
            (some, account) =>
                $"""
                select {StoredReservation.Columns}
                from reservations
                where (user_id, id) in (select k.user_id, k.id from {Keys(session, some)}){account.And("user_id")}
                order by user_id, id {session.Engine.ForUpdate}
                """),
        StoredReservation.Read,
        cancellationToken);

    /// <summary>Sums what events have spent of reservations. Reservations without events are left out.</summary>
    public static async Task<Dictionary<Guid, int>> SumSpentAsync(
        Session session, IReadOnlyList<(Guid UserId, Guid Id)> keys, CancellationToken cancellationToken) =>
        (await session.ListAsync(
            session.ByAccount(
                keys,
                static key => key.UserId,
                (some, account) =>
                    $"""
                    select e.reservation_id, sum(e.quantity)
                    from {Keys(session, some)}
                    join usage_events e on e.user_id = k.user_id and e.reservation_id = k.id{account.And("e.user_id")}
                    group by e.reservation_id
                    """),
            static row => (Id: row.Uuid(0), Spent: (int)row.Int64(1)),
            cancellationToken)).ToDictionary(pair => pair.Id, pair => pair.Spent);

    public static IEnumerable<Sql> Settle(Session session, IReadOnlyList<StoredReservation> reservations, MonthChanges months) =>
    [
        .. Update(session, reservations),
        .. MonthRows.Update(session, months),
        .. CreditRows.Move(session, drawn: [], reservations),
    ];

    public static IEnumerable<Sql> Update(Session session, IReadOnlyList<StoredReservation> reservations) => reservations.Count == 0
        ? []
        : session.ByAccount(
            reservations,
            static reservation => reservation.UserId,
            (some, account) => Update(session, some, account));

    public static IEnumerable<Sql> Insert(Session session, IReadOnlyList<StoredReservation> reservations) => reservations.Count == 0
        ? []
        : session.Engine.InParts(reservations, some => InsertSome(session, some));

    private static Sql Update(Session session, IReadOnlyList<StoredReservation> reservations, OneAccount account) =>
        $"""
        update reservations
        set state = r.state, settled_as = r.settled_as, remaining = r.remaining, lapsed = r.lapsed, usage_event_id = r.usage_event_id,
            expires_at = r.expires_at{BeyondOf(reservations, ", credits = r.credits, overage = r.overage, beyond_plan = r.beyond_plan")}
        from {WithBeyond(session, reservations)
            .With("user_id", static reservation => reservation.UserId)
            .With("id", static reservation => reservation.Id)
            .With("state", static reservation => reservation.StoredState)
            .With("settled_as", static reservation => reservation.SettledAs)
            .With("remaining", static reservation => (long)reservation.Remaining)
            .With("lapsed", static reservation => (long)reservation.Lapsed)
            .With("usage_event_id", static reservation => reservation.UsageEventId)
            .With("expires_at", static reservation => reservation.ExpiresAt)}
        where reservations.user_id = r.user_id and reservations.id = r.id{account.And("reservations.user_id")}
        """;

    private static Sql InsertSome(Session session, IReadOnlyList<StoredReservation> reservations) =>
        $"""
        insert into reservations ({BeyondOf(reservations, "credits, overage, beyond_plan,")}
                                  user_id, id, state, quantity, remaining, tier, library, month, machine, created_at, expires_at,
                                  idempotency_key, request_digest, once_key, plan, plan_limit, used_before, held_before, leased, key_id)
        {WithBeyond(session, reservations)
            .With("user_id", static reservation => reservation.UserId)
            .With("id", static reservation => reservation.Id)
            .With("state", static reservation => reservation.StoredState)
            .With("quantity", static reservation => (long)reservation.Quantity)
            .With("remaining", static reservation => (long)reservation.Remaining)
            .With("tier", static reservation => reservation.Tier)
            .With("library", static reservation => reservation.Library)
            .With("month", static reservation => reservation.Month)
            .With("machine", static reservation => reservation.Machine)
            .With("created_at", static reservation => reservation.CreatedAt)
            .With("expires_at", static reservation => reservation.ExpiresAt)
            .With("idempotency_key", static reservation => reservation.IdempotencyKey)
            .With("request_digest", static reservation => reservation.RequestDigest)
            .With("once_key", static reservation => reservation.OnceKey)
            .With("plan", static reservation => reservation.Plan)
            .With("plan_limit", static reservation => reservation.PlanLimit)
            .With("used_before", static reservation => reservation.UsedBefore)
            .With("held_before", static reservation => reservation.HeldBefore)
            .With("leased", static reservation => reservation.IsLeased)
            .With("key_id", static reservation => reservation.KeyId)
            .Inserted()}
        """;

    // Two selects: the inner one limits the number of due rows, the outer one locks in key order.
    private static IEnumerable<Sql> LockDueAnd(
        Session session, IReadOnlyList<Guid> userIds, IReadOnlyList<(Guid UserId, Guid Id)> others, int max, DateTimeOffset now) =>
        session.Engine.IsDistributed
            ? DistributedReservations.LockDueAnd(session, userIds, others, max, now)
            : [LockAllDueAnd(session, userIds, others, max, now)];

    private static Sql LockAllDueAnd(
        Session session, IReadOnlyList<Guid> userIds, IReadOnlyList<(Guid UserId, Guid Id)> others, int max, DateTimeOffset now)
    {
        Sql named = $"union select k.user_id, k.id from {Keys(session, others)}";
        SqlPart? also = others.Count == 0 ? null : new SqlPart(named);
        return
            $"""
            select {StoredReservation.Columns}
            from reservations
            where (user_id, id) in (select d.user_id, d.id from ({new SqlPart(SomeDue(session, userIds, max, now))}) d {also})
            order by user_id, id {session.Engine.ForUpdate}
            """;
    }

    private static Sql SomeDue(Session session, IReadOnlyList<Guid> userIds, int max, DateTimeOffset now) =>
        $"""
        select user_id, id
        from reservations
        where user_id in (select a.user_id from {session.Rows("a", userIds).With("user_id", static id => id)})
          and {StoredReservation.IsDue(now)}
        limit {max}
        """;

    private static SqlFragment BeyondOf(IReadOnlyList<StoredReservation> reservations, string columns) =>
        new(HaveBeyond(reservations) ? columns : null);

    /// <summary>The rows, with the columns about credits and overage only where a reservation drew beyond its plan.</summary>
    private static SqlRows<StoredReservation> WithBeyond(Session session, IReadOnlyList<StoredReservation> reservations)
    {
        var rows = session.Rows("r", reservations);
        return !HaveBeyond(reservations) ? rows : rows
            .With("credits", static reservation => (long)(reservation.Beyond?.OpenCredits ?? 0))
            .With("overage", static reservation => (long)(reservation.Beyond?.OpenOverage ?? 0))
            .With("beyond_plan", static reservation => reservation.Beyond?.ToText());
    }

    private static bool HaveBeyond(IReadOnlyList<StoredReservation> reservations) =>
        reservations.Any(static reservation => reservation.Beyond is not null);

    private static SqlRows<(Guid UserId, Guid Id)> Keys(Session session, IReadOnlyList<(Guid UserId, Guid Id)> keys) =>
        session.Rows("k", keys).With("user_id", static key => key.UserId).With("id", static key => key.Id);
}
