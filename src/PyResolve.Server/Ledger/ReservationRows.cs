using PyResolve.Server.Storage;

namespace PyResolve.Server.Ledger;

/// <summary>Every transaction locks profiles, then reservations, then rollups, each in key order, so that none deadlock.</summary>
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
    // A subquery for each account: with a join, PostgreSQL would read the due reservations of all accounts.
    public static async Task<Dictionary<Guid, long>> CountReturningUnitsAsync(
        Session session,
        IReadOnlyList<Guid> userIds,
        IReadOnlyList<StoredReservation> except,
        int max,
        DateTimeOffset now,
        CancellationToken cancellationToken) =>
        (await session.ListAsync(
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
                          from {session.Rows("x", except).With("user_id", static row => row.UserId).With("id", static row => row.Id)})
                    limit {max}) d)
            from {session.Rows("a", userIds).With("user_id", static id => id)}
            """,
            static row => (UserId: row.Uuid(0), Units: row.Int64(1)),
            cancellationToken)).ToDictionary(static pair => pair.UserId, static pair => pair.Units);

    /// <summary>Oldest first. Skips rows that are locked.</summary>
    public static Task<List<StoredReservation>> LockSomeDueAsync(
        Session session, IReadOnlyList<Guid> except, int max, DateTimeOffset now, CancellationToken cancellationToken) =>
        session.ListAsync(
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
    // Ordered, so that PostgreSQL uses the index on expiry. Without, it expects to find a row early in the table, and reads all of it.
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
        $"""
        select {StoredReservation.Columns}
        from reservations
        where (user_id, id) in (select k.user_id, k.id from {Keys(session, keys)})
        order by user_id, id {session.Engine.ForUpdate}
        """,
        StoredReservation.Read,
        cancellationToken);

    /// <summary>Reservations without events are left out.</summary>
    public static async Task<Dictionary<Guid, int>> SumSpentAsync(
        Session session, IReadOnlyList<(Guid UserId, Guid Id)> keys, CancellationToken cancellationToken) =>
        (await session.ListAsync(
            $"""
            select e.reservation_id, sum(e.quantity)
            from {Keys(session, keys)}
            join usage_events e on e.user_id = k.user_id and e.reservation_id = k.id
            group by e.reservation_id
            """,
            static row => (Id: row.Uuid(0), Spent: (int)row.Int64(1)),
            cancellationToken)).ToDictionary(pair => pair.Id, pair => pair.Spent);

    /// <summary>
    /// Locks the rollups of <paramref name="month"/>, creating those that are missing, and of each month in which the accounts hold units.
    /// Deleted accounts are left out.
    /// </summary>
    public static List<((Guid UserId, string Month) Key, MonthTotals Totals)> LockMonths(
        ReadBatch batch, IReadOnlyList<Guid> userIds, string month) =>
        batch.List(
            LockMonths(
                $"""
                (
                    select p.id as user_id, {month} as month
                    from profiles p
                    where p.id in (select a.user_id from {batch.Session.Rows("a", userIds).With("user_id", static id => id)})
                    union
                    select m.user_id, m.month
                    from usage_monthly m
                    where m.user_id in (select b.user_id from {batch.Session.Rows("b", userIds).With("user_id", static id => id)})
                      and m.held > 0) w
                """),
            ReadTotals);

    public static async Task<Dictionary<(Guid UserId, string Month), MonthTotals>> LockMonthsAsync(
        Session session, IReadOnlyCollection<(Guid UserId, string Month)> months, CancellationToken cancellationToken) =>
        (await session.ListAsync(LockMonths(session, months), ReadTotals, cancellationToken))
            .ToDictionary(static pair => pair.Key, static pair => pair.Totals);

    /// <summary>Creates those that are missing.</summary>
    public static Sql LockMonths(Session session, IReadOnlyCollection<(Guid UserId, string Month)> months) =>
        LockMonths($"{session.Rows("w", months.Distinct().ToList())
            .With("user_id", static key => key.UserId)
            .With("month", static key => key.Month)}");

    public static IEnumerable<Sql> Settle(Session session, IReadOnlyList<StoredReservation> reservations, MonthChanges months)
    {
        if (reservations.Count > 0)
            yield return Update(session, reservations);
        if (UpdateMonths(session, months) is { } update)
            yield return update;
        foreach (var credits in CreditRows.Move(session, drawn: [], reservations))
            yield return credits;
    }

    public static Sql Update(Session session, IReadOnlyList<StoredReservation> reservations) =>
        $"""
        update reservations
        set state = h.state, settled_as = h.settled_as, remaining = h.remaining, lapsed = h.lapsed, usage_event_id = h.usage_event_id,
            expires_at = h.expires_at{BeyondOf(reservations, ", credits = h.credits, overage = h.overage, beyond_plan = h.beyond_plan")}
        from {WithBeyond(session, reservations)
            .With("user_id", static reservation => reservation.UserId)
            .With("id", static reservation => reservation.Id)
            .With("state", static reservation => reservation.StoredState)
            .With("settled_as", static reservation => reservation.SettledAs)
            .With("remaining", static reservation => (long)reservation.Remaining)
            .With("lapsed", static reservation => (long)reservation.Lapsed)
            .With("usage_event_id", static reservation => reservation.UsageEventId)
            .With("expires_at", static reservation => reservation.ExpiresAt)}
        where reservations.user_id = h.user_id and reservations.id = h.id
        """;

    public static Sql Insert(Session session, IReadOnlyList<StoredReservation> reservations) =>
        $"""
        insert into reservations (user_id, id, state, quantity, remaining, tier, library, month, machine, created_at, expires_at,
                                  idempotency_key, request_digest, once_key, once_answers, plan, plan_limit, used_before, held_before,
                                  usage_event_id, leased, settled_as, lapsed, key_id
                                  {BeyondOf(reservations, ", credits, overage, beyond_plan")})
        select h.user_id, h.id, h.state, h.quantity, h.remaining, h.tier, h.library, h.month, h.machine, h.created_at, h.expires_at,
               h.idempotency_key, h.request_digest, h.once_key, 0, h.plan, h.plan_limit, h.used_before, h.held_before,
               null, h.leased, null, 0, h.key_id {BeyondOf(reservations, ", h.credits, h.overage, h.beyond_plan")}
        from {WithBeyond(session, reservations)
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
            .With("key_id", static reservation => reservation.KeyId)}
        """;

    /// <summary>
    /// Adds the changes to their months. Checks the limit once more where units were granted: a month that would exceed it can only come
    /// from a bug, and gets a null, which the table's constraint rejects.
    /// </summary>
    public static Sql? UpdateMonths(Session session, MonthChanges changes)
    {
        MonthChange[] changed = [.. changes.All.Where(static change => change is not { Held: 0, Lapsed: 0, MovesBeyond: false })];
        if (changed.Length == 0)
            return null;
        var rows = session.Rows("c", changed)
            .With("user_id", static change => change.UserId)
            .With("month", static change => change.Month)
            .With("held", static change => change.Held)
            .With("lapsed", static change => change.Lapsed)
            .With("plan_limit", static change => change.Limit);
        var beyond = new SqlFragment(null);
        if (Array.Exists(changed, static change => change.MovesBeyond))
        {
            rows.With("credits", static change => change.Credits).With("overage", static change => change.Overage);
            beyond = new SqlFragment("credits = usage_monthly.credits + c.credits, overage = usage_monthly.overage + c.overage,");
        }

        return
            $"""
            update usage_monthly
            set {beyond} lapsed = usage_monthly.lapsed + c.lapsed,
                held = case
                    when c.plan_limit is null
                      or usage_monthly.migrations + usage_monthly.lapsed + c.lapsed + usage_monthly.held + c.held <= c.plan_limit
                    then usage_monthly.held + c.held
                end
            from {rows}
            where usage_monthly.user_id = c.user_id and usage_monthly.month = c.month
            """;
    }

    // The update changes nothing, but locks and returns a row that exists.
    private static Sql LockMonths(Sql wanted) =>
        $"""
        insert into usage_monthly (user_id, month)
        select w.user_id, w.month
        from {new SqlPart(wanted)}
        where true
        order by w.user_id, w.month
        on conflict (user_id, month) do update set held = usage_monthly.held
        returning user_id, month, migrations + lapsed, held, extra, credits, overage
        """;

    // Two selects: the inner one limits the number of due rows, the outer one locks in key order.
    private static Sql LockDueAnd(
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

    private static ((Guid UserId, string Month) Key, MonthTotals Totals) ReadTotals(Row row) =>
        (
            (row.Uuid(0), row.Text(1)),
            new MonthTotals(row.Int64(2), row.Int64(3), row.Int64(4)) { Credits = row.Int64(5), Overage = row.Int64(6) });

    private static SqlFragment BeyondOf(IReadOnlyList<StoredReservation> reservations, string columns) =>
        new(HaveBeyond(reservations) ? columns : null);

    /// <summary>Only reservations that drew beyond their plan have these columns written.</summary>
    private static SqlRows<StoredReservation> WithBeyond(Session session, IReadOnlyList<StoredReservation> reservations)
    {
        var rows = session.Rows("h", reservations);
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
