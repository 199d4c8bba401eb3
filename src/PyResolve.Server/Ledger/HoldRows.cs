using PyResolve.Server.Plans;
using PyResolve.Server.Quota;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Ledger;

/// <summary>
/// Reservations and what they hold of their months, read and written many at a time. Locks are always taken in one order, so that no two
/// transactions wait for each other: profiles, then reservations, then rollups, each by its key.
/// </summary>
internal static class HoldRows
{
    /// <summary>Locks what accounts hold and is due, no more than <paramref name="most"/>.</summary>
    public static Task<List<Hold>> LockDueAsync(
        Session session, IReadOnlyList<Guid> userIds, int most, DateTimeOffset now, CancellationToken cancellationToken) =>
        session.ListAsync(LockDueAnd(session, userIds, [], most, now), Hold.Read, cancellationToken);

    /// <summary>Locks what accounts hold and is due, no more than <paramref name="most"/>, and <paramref name="others"/>.</summary>
    /// <returns>Some may no longer be due: whoever had them locked settled them.</returns>
    public static List<Hold> LockDueAnd(
        ReadBatch batch, IReadOnlyList<Guid> userIds, IReadOnlyList<(Guid UserId, Guid Id)> others, int most, DateTimeOffset now) =>
        batch.List(LockDueAnd(batch.Session, userIds, others, most, now), Hold.Read);

    /// <summary>What goes back to this month when holds that are due are settled, but for some of them.</summary>
    /// <param name="session">Where it is read.</param>
    /// <param name="userIds">Whose.</param>
    /// <param name="except">Settled already, though not written.</param>
    /// <param name="most">How many holds of an account are counted: each has one unit or more.</param>
    /// <param name="now">Says which month, and what is due.</param>
    /// <param name="cancellationToken">Abandons it.</param>
    // A subquery for each account: a join would let PostgreSQL read all that is due of anybody.
    public static async Task<Dictionary<Guid, long>> CountRoomAsync(
        Session session, IReadOnlyList<Guid> userIds, IReadOnlyList<Hold> except, int most, DateTimeOffset now, CancellationToken cancellationToken) =>
        (await session.ListAsync(
            $"""
            select a.user_id, (
                select cast(coalesce(sum(d.remaining), 0) as bigint)
                from (
                    select r.remaining
                    from reservations r
                    where r.user_id = a.user_id and {Hold.IsDue(now)} and r.month = {now.ToMonth()} and (r.settled_as is not null or not r.leased)
                      and (r.user_id, r.id) not in (
                          select x.user_id, x.id
                          from {session.Rows("x", except).With("user_id", static hold => hold.UserId).With("id", static hold => hold.Id)})
                    limit {most}) d)
            from {session.Rows("a", userIds).With("user_id", static id => id)}
            """,
            static row => (UserId: row.Uuid(0), Units: row.Int64(1)),
            cancellationToken)).ToDictionary(static pair => pair.UserId, static pair => pair.Units);

    /// <summary>Locks some of what is due in any account but those, the oldest first, and leaves to others what they have locked.</summary>
    public static Task<List<Hold>> LockSomeDueAsync(
        Session session, IReadOnlyList<Guid> except, int most, DateTimeOffset now, CancellationToken cancellationToken) => session.ListAsync(
        $"""
        select {Hold.Columns}
        from reservations
        where {Hold.IsDue(now)}
          and user_id not in (select x.user_id from {session.Rows("x", except).With("user_id", static id => id)})
        order by expires_at
        limit {most} {session.Engine.ForUpdateSkippingLocked}
        """,
        Hold.Read,
        cancellationToken);

    // In order, so that PostgreSQL walks the index of what is held by expiry. Without, it expects to meet one early in the table, and reads it all.
    public static async Task<bool> AnyDueAsync(Session session, IReadOnlyList<Guid> except, DateTimeOffset now, CancellationToken cancellationToken) =>
        await session.NumberAsync(
            $"""
            select count(*)
            from (
                select 1
                from reservations
                where {Hold.IsDue(now)}
                  and user_id not in (select x.user_id from {session.Rows("x", except).With("user_id", static id => id)})
                order by expires_at
                limit 1) d
            """,
            cancellationToken) > 0;

    /// <summary>Locks reservations; those that are not there are left out.</summary>
    public static Task<List<Hold>> LockAsync(Session session, IReadOnlyList<(Guid UserId, Guid Id)> keys, CancellationToken cancellationToken) => session.ListAsync(
        $"""
        select {Hold.Columns}
        from reservations
        where (user_id, id) in (select k.user_id, k.id from {Keys(session, keys)})
        order by user_id, id {session.Engine.ForUpdate}
        """,
        Hold.Read,
        cancellationToken);

    /// <summary>How much events have spent of reservations, where any have.</summary>
    public static async Task<Dictionary<Guid, int>> SpentAsync(Session session, IReadOnlyList<(Guid UserId, Guid Id)> keys, CancellationToken cancellationToken) =>
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
    /// Locks the rollups of <paramref name="month"/>, which are made where they are not there yet, and of every month in which the accounts hold
    /// anything. An account that is gone is left out.
    /// </summary>
    public static List<((Guid UserId, string Month) Key, MonthStanding Standing)> LockMonths(ReadBatch batch, IReadOnlyList<Guid> userIds, string month) =>
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
                    where m.user_id in (select b.user_id from {batch.Session.Rows("b", userIds).With("user_id", static id => id)}) and m.held > 0) w
                """),
            ReadStanding);

    /// <inheritdoc cref="LockMonths(Session, IReadOnlyCollection{ValueTuple{Guid, string}})"/>
    public static async Task<Dictionary<(Guid UserId, string Month), MonthStanding>> LockMonthsAsync(
        Session session, IReadOnlyCollection<(Guid UserId, string Month)> months, CancellationToken cancellationToken) =>
        (await session.ListAsync(LockMonths(session, months), ReadStanding, cancellationToken)).ToDictionary(pair => pair.Key, pair => pair.Standing);

    /// <summary>Locks the rollups of months, which are made where they are not there yet.</summary>
    public static Sql LockMonths(Session session, IReadOnlyCollection<(Guid UserId, string Month)> months) =>
        LockMonths($"{session.Rows("w", months.Distinct().ToList()).With("user_id", static key => key.UserId).With("month", static key => key.Month)}");

    /// <summary>Writes what became of locked reservations, and moves their months, which are locked as well.</summary>
    public static IEnumerable<Sql> Settle(Session session, IReadOnlyList<Hold> holds, MonthChanges months)
    {
        if (holds.Count > 0)
            yield return Write(session, holds);
        if (MoveMonths(session, months) is { } moved)
            yield return moved;
    }

    /// <summary>Writes what became of locked reservations.</summary>
    public static Sql Write(Session session, IReadOnlyList<Hold> holds) =>
        $"""
        update reservations
        set state = h.state, settled_as = h.settled_as, remaining = h.remaining, lapsed = h.lapsed, usage_event_id = h.usage_event_id
        from {session.Rows("h", holds)
            .With("user_id", static hold => hold.UserId)
            .With("id", static hold => hold.Id)
            .With("state", static hold => hold.StoredState)
            .With("settled_as", static hold => hold.SettledAs)
            .With("remaining", static hold => (long)hold.Remaining)
            .With("lapsed", static hold => (long)hold.Lapsed)
            .With("usage_event_id", static hold => hold.UsageEventId)}
        where reservations.user_id = h.user_id and reservations.id = h.id
        """;

    public static Sql Insert(Session session, IReadOnlyList<Hold> holds) =>
        $"""
        insert into reservations (user_id, id, state, quantity, remaining, tier, library, month, machine, created_at, expires_at, idempotency_key,
                                  request_digest, once_key, once_answers, plan, plan_limit, used_before, held_before, usage_event_id, leased, settled_as,
                                  lapsed)
        select h.user_id, h.id, h.state, h.quantity, h.remaining, h.tier, h.library, h.month, h.machine, h.created_at, h.expires_at, h.idempotency_key,
               h.request_digest, h.once_key, 0, h.plan, h.plan_limit, h.used_before, h.held_before, null, h.leased, null, 0
        from {session.Rows("h", holds)
            .With("user_id", static hold => hold.UserId)
            .With("id", static hold => hold.Id)
            .With("state", static hold => hold.StoredState)
            .With("quantity", static hold => (long)hold.Quantity)
            .With("remaining", static hold => (long)hold.Remaining)
            .With("tier", static hold => hold.Tier)
            .With("library", static hold => hold.Library)
            .With("month", static hold => hold.Month)
            .With("machine", static hold => hold.Machine)
            .With("created_at", static hold => hold.CreatedAt)
            .With("expires_at", static hold => hold.ExpiresAt)
            .With("idempotency_key", static hold => hold.IdempotencyKey)
            .With("request_digest", static hold => hold.RequestDigest)
            .With("once_key", static hold => hold.OnceKey)
            .With("plan", static hold => hold.Plan)
            .With("plan_limit", static hold => hold.PlanLimit)
            .With("used_before", static hold => hold.UsedBefore)
            .With("held_before", static hold => hold.HeldBefore)
            .With("leased", static hold => hold.IsLeased)}
        """;

    /// <summary>
    /// Moves months by what has become of their reservations, if anything. Where units were granted, the limit is asked for once more: a month
    /// that would go past it is a fault of ours, and holds nothing at all, which the store refuses.
    /// </summary>
    public static Sql? MoveMonths(Session session, MonthChanges changes)
    {
        MonthChange[] moved = [.. changes.All.Where(static change => change is not { Held: 0, Lapsed: 0 })];
        if (moved.Length == 0)
            return null;
        return
            $"""
            update usage_monthly
            set lapsed = usage_monthly.lapsed + c.lapsed,
                held = case
                    when c.most is null or usage_monthly.migrations + usage_monthly.lapsed + c.lapsed + usage_monthly.held + c.held <= c.most
                    then usage_monthly.held + c.held
                end
            from {session.Rows("c", moved)
                .With("user_id", static change => change.UserId)
                .With("month", static change => change.Month)
                .With("held", static change => change.Held)
                .With("lapsed", static change => change.Lapsed)
                .With("most", static change => change.Most)}
            where usage_monthly.user_id = c.user_id and usage_monthly.month = c.month
            """;
    }

    /// <param name="wanted">Rows called <c>w</c>, each a <c>user_id</c> and a <c>month</c>.</param>
    // An update that changes nothing is what locks a row that is there, and returns it.
    private static Sql LockMonths(Sql wanted) =>
        $"""
        insert into usage_monthly (user_id, month)
        select w.user_id, w.month
        from {new SqlPart(wanted)}
        where true
        order by w.user_id, w.month
        on conflict (user_id, month) do update set held = usage_monthly.held
        returning user_id, month, migrations + lapsed, held
        """;

    // The limit says which of what is due, the order in which it is locked: each needs a select of its own.
    private static Sql LockDueAnd(
        Session session, IReadOnlyList<Guid> userIds, IReadOnlyList<(Guid UserId, Guid Id)> others, int most, DateTimeOffset now)
    {
        Sql named = $"union select k.user_id, k.id from {Keys(session, others)}";
        SqlPart? also = others.Count == 0 ? null : new SqlPart(named);
        return
            $"""
            select {Hold.Columns}
            from reservations
            where (user_id, id) in (select d.user_id, d.id from ({new SqlPart(SomeDue(session, userIds, most, now))}) d {also})
            order by user_id, id {session.Engine.ForUpdate}
            """;
    }

    private static Sql SomeDue(Session session, IReadOnlyList<Guid> userIds, int most, DateTimeOffset now) =>
        $"""
        select user_id, id
        from reservations
        where user_id in (select a.user_id from {session.Rows("a", userIds).With("user_id", static id => id)})
          and {Hold.IsDue(now)}
        limit {most}
        """;

    private static ((Guid UserId, string Month) Key, MonthStanding Standing) ReadStanding(Row row) =>
        ((row.Uuid(0), row.Text(1)), new MonthStanding(row.Int64(2), row.Int64(3)));

    private static SqlRows<(Guid UserId, Guid Id)> Keys(Session session, IReadOnlyList<(Guid UserId, Guid Id)> keys) =>
        session.Rows("k", keys).With("user_id", static key => key.UserId).With("id", static key => key.Id);
}
