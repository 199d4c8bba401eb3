using PyResolve.Server.Leases;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Quota;

/// <summary>
/// Decides holds for many requests in one transaction. The accounts' rows are locked first: on any number of instances, the holds of one
/// account are decided one after the other, a retry waits for the first answer, and a change of plan counts from the next hold on.
/// </summary>
internal sealed class HoldGroup : IAsyncDisposable
{
    private static readonly TimeSpan OnceWindow = TimeSpan.FromHours(24);

    /// <summary>A request for a hold takes about half a kilobyte.</summary>
    private static readonly GroupLimits Limits = new(QueueItems: 16_384, QueueBytes: 64 * 1024 * 1024, GroupItems: 512, GroupBytes: 4 * 1024 * 1024);

    private readonly Database _database;
    private readonly Plans _plans;
    private readonly LeaseSigner _leases;
    private readonly TimeProvider _time;
    private readonly GroupCommit<HoldItem, HoldOutcome> _group;

    public HoldGroup(Database database, Plans plans, LeaseSigner leases, TimeProvider time)
    {
        (_database, _plans, _leases, _time) = (database, plans, leases, time);
        _group = new GroupCommit<HoldItem, HoldOutcome>(Limits, FlushAsync);
    }

    public async Task<HoldOutcome> DecideAsync(HoldItem item, CancellationToken cancellationToken) =>
        (await _group.SubmitAsync(item.UserId, [item], BytesOf(item), cancellationToken))[0];

    public ValueTask DisposeAsync() => _group.DisposeAsync();

    private static long BytesOf(HoldItem item) =>
        512 + (2 * ((item.Wanted.Library?.Length ?? 0) + (item.Wanted.Machine?.Length ?? 0) + (item.Wanted.OnceKey?.Length ?? 0) + (item.IdempotencyKey?.Length ?? 0)));

    private Task<IReadOnlyList<HoldOutcome>> FlushAsync(IReadOnlyList<HoldItem> items) =>
        _database.WriteAsync(session => DecideAsync(session, items, CancellationToken.None), CancellationToken.None);

    private async Task<IReadOnlyList<HoldOutcome>> DecideAsync(Session session, IReadOnlyList<HoldItem> items, CancellationToken cancellationToken)
    {
        var plans = await LockAccountsAsync(session, [.. items.Select(static item => item.UserId).Distinct()], cancellationToken);
        // Only now: whoever held the locks before has decided at an earlier instant.
        var now = _time.GetInstant();
        var decisions = new HoldDecisions(now, givesLeases: items.Any(static item => item.Wanted.Machine is not null) && _leases.CanSign);
        await FindByIdempotencyKeysAsync(session, items, decisions, cancellationToken);
        var repeated = await FindByOnceKeysAsync(session, items, decisions, now, cancellationToken);
        var month = now.ToMonth();
        var (due, standings) = await LockDueAndMonthsAsync(session, [.. plans.Keys], month, repeated, now, cancellationToken);
        foreach (var (userId, plan) in plans)
            decisions.Add(userId, _plans[plan.At(now)], standings[(userId, month)]);
        var settled = new List<Hold>();
        foreach (var hold in due)
        {
            var after = hold.At(now);
            decisions.Settle(hold, after);
            settled.Add(after);
        }

        HoldOutcome[] outcomes = [.. items.Select(decisions.Decide)];
        await WriteAsync(session, decisions, settled, now, cancellationToken);
        return outcomes;
    }

    private static async Task WriteAsync(
        Session session, HoldDecisions decisions, List<Hold> settled, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var others = new List<Sql>();
        if (settled.Count > 0)
            others.Add(HoldRows.Write(session, settled));
        if (decisions.Granted.Count > 0)
            others.Add(HoldRows.Insert(session, decisions.Granted));
        if (decisions.Answers.Count > 0)
        {
            others.Add(
                $"""
                update reservations
                set once_answers = once_answers + a.answers
                from {session.Rows("a", decisions.Answers.ToList())
                    .With("user_id", static answer => answer.Key.UserId)
                    .With("id", static answer => answer.Key.Id)
                    .With("answers", static answer => (long)answer.Value)}
                where reservations.user_id = a.user_id and reservations.id = a.id
                """);
        }

        if (decisions.Repeated.Count > 0)
        {
            others.Add(
                $"""
                insert into repeated_holds (user_id, idempotency_key, request_digest, reservation_id, created_at)
                select r.user_id, r.idempotency_key, r.request_digest, r.reservation_id, {now}
                from {session.Rows("r", decisions.Repeated)
                    .With("user_id", static repeated => repeated.Item.UserId)
                    .With("idempotency_key", static repeated => repeated.Item.IdempotencyKey)
                    .With("request_digest", static repeated => repeated.Item.Digest)
                    .With("reservation_id", static repeated => repeated.Id)}
                """);
        }

        await HoldRows.MoveMonthsAsync(session, decisions.Months, others, cancellationToken);
    }

    /// <summary>An account that is gone is left out.</summary>
    private static async Task<Dictionary<Guid, EffectivePlan>> LockAccountsAsync(Session session, List<Guid> userIds, CancellationToken cancellationToken) =>
        (await session.ListAsync(
            $"""
            select p.id, {EffectivePlan.Columns}
            from profiles p
            where p.id in (select a.user_id from {session.Rows("a", userIds).With("user_id", static id => id)})
            order by p.id {session.Engine.ForUpdate}
            """,
            static row => (UserId: row.Uuid(0), Plan: EffectivePlan.Read(row, 1)),
            cancellationToken)).ToDictionary(pair => pair.UserId, pair => pair.Plan);

    private static async Task FindByIdempotencyKeysAsync(
        Session session, IReadOnlyList<HoldItem> items, HoldDecisions decisions, CancellationToken cancellationToken)
    {
        var keys = KeysOf(items, static item => item.IdempotencyKey);
        if (keys.Count == 0)
            return;
        var made = await session.ListAsync(
            $"""
            select {Hold.Columns}
            from reservations
            where (user_id, idempotency_key) in (select k.user_id, k.name from {Rows(session, keys)})
            """,
            Hold.Read,
            cancellationToken);
        foreach (var hold in made)
            decisions.Remember(hold.IdempotencyKey!, hold.RequestDigest, hold, isNew: true);

        var repeats = await session.ListAsync(
            $"""
            select user_id, idempotency_key, request_digest, reservation_id
            from repeated_holds
            where (user_id, idempotency_key) in (select k.user_id, k.name from {Rows(session, keys)})
            """,
            static row => (UserId: row.Uuid(0), Key: row.Text(1), Digest: row.BytesOrNull(2)!, Id: row.Uuid(3)),
            cancellationToken);
        if (repeats.Count == 0)
            return;
        var holds = await HoldRows.FindAsync(session, [.. repeats.Select(static repeat => (repeat.UserId, repeat.Id))], cancellationToken);
        var byId = holds.ToDictionary(hold => hold.Id);
        foreach (var repeat in repeats)
            decisions.Remember(repeat.Key, repeat.Digest, byId[repeat.Id], isNew: false);
    }

    /// <returns>Those that are committed: each answer is counted on its row.</returns>
    private static async Task<List<(Guid UserId, Guid Id)>> FindByOnceKeysAsync(
        Session session, IReadOnlyList<HoldItem> items, HoldDecisions decisions, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var keys = KeysOf(items, static item => item.Wanted.OnceKey);
        if (keys.Count == 0)
            return [];
        var latest = await session.ListAsync(
            $"""
            select {Hold.Columns}
            from reservations
            where (user_id, id) in (
                select n.user_id, n.id
                from (
                    select r.user_id, r.id, row_number() over (partition by r.user_id, r.once_key order by r.created_at desc, r.id desc) as place
                    from {Rows(session, keys)}
                    join reservations r on r.user_id = k.user_id and r.once_key = k.name and r.created_at > {now - OnceWindow}) n
                where n.place = 1)
            """,
            Hold.Read,
            cancellationToken);
        latest.ForEach(decisions.Remember);
        return [.. latest.Where(hold => hold.At(now).State == Client.Wire.ReservationStates.Committed).Select(static hold => (hold.UserId, hold.Id))];
    }

    /// <summary>What is due, in one order with the other rows that will be written; and the rollups of this month and of what is due.</summary>
    private static async Task<(List<Hold> Due, Dictionary<(Guid UserId, string Month), MonthStanding> Standings)> LockDueAndMonthsAsync(
        Session session, List<Guid> userIds, string month, List<(Guid UserId, Guid Id)> others, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (others.Count == 0)
            return await HoldRows.LockDueAndMonthsAsync(session, userIds, month, now, cancellationToken);
        var due = await HoldRows.ListDueAsync(session, userIds, now, cancellationToken);
        var locked = await HoldRows.LockAsync(session, [.. due.Union(others)], cancellationToken);
        locked.RemoveAll(hold => hold.At(now) == hold);
        var months = userIds.Select(userId => (userId, month)).Concat(locked.Select(static hold => (hold.UserId, hold.Month)));
        return (locked, await HoldRows.LockMonthsAsync(session, [.. months], cancellationToken));
    }

    private static List<(Guid UserId, string Name)> KeysOf(IReadOnlyList<HoldItem> items, Func<HoldItem, string?> name) =>
        [.. items.Where(item => name(item) is not null).Select(item => (item.UserId, name(item)!)).Distinct()];

    private static SqlRows<(Guid UserId, string Name)> Rows(Session session, List<(Guid UserId, string Name)> keys) =>
        session.Rows("k", keys).With("user_id", static key => key.UserId).With("name", static key => key.Name);
}
