using PyResolve.Client.Wire;
using PyResolve.Server.Ledger;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Quota;

/// <summary>
/// One transaction that decides requests for holds: it locks the accounts and what is due of theirs, decides in memory, and writes what became
/// of it. Two round trips, whatever the number of requests; two more where once_keys are looked for, and one before a refusal that what is due
/// could turn.
/// </summary>
/// <param name="session">Where it is written.</param>
/// <param name="items">The requests, in their order.</param>
/// <param name="plans">What the accounts' plans allow.</param>
/// <param name="givesLeases">Whether holds for a machine are leased.</param>
/// <param name="time">Says when it is decided.</param>
internal sealed class HoldTransaction(Session session, IReadOnlyList<HoldItem> items, PlanCatalog plans, bool givesLeases, TimeProvider time)
{
    /// <summary>More is settled by the next transaction: one that settled all that an account let lapse would keep all others waiting.</summary>
    public const int MostDue = 1_000;

    /// <summary>How many of an account's due holds are counted to see whether they make room.</summary>
    private const int MostCounted = 10_000;

    private static readonly TimeSpan OnceWindow = TimeSpan.FromHours(24);

    private readonly List<Guid> _userIds = [.. items.Select(static item => item.UserId).Distinct()];
    private readonly List<(Guid UserId, string Name)> _idempotencyKeys = KeysOf(items, static item => item.IdempotencyKey);
    private readonly List<(Guid UserId, string Name)> _onceKeys = KeysOf(items, static item => item.Wanted.OnceKey);

    public async Task<IReadOnlyList<HoldOutcome>> DecideAsync(CancellationToken cancellationToken)
    {
        var found = await LockAsync(cancellationToken);
        // Only now: whoever held the locks before has decided at an earlier instant.
        var now = time.GetInstant();
        var month = now.ToMonth();
        var standings = await LockMissingMonthsAsync(found, month, cancellationToken);
        var decisions = new HoldDecisions(now, givesLeases);
        foreach (var hold in found.Made)
            decisions.Remember(hold.IdempotencyKey!, hold.RequestDigest, hold, isNew: true);
        foreach (var (key, digest, hold) in found.Repeats)
            decisions.Remember(key, digest, hold, isNew: false);
        foreach (var hold in found.Latest)
            decisions.Remember(hold);
        foreach (var (userId, plan) in found.Accounts)
            decisions.Add(userId, plans[plan.At(now)], standings[(userId, month)]);
        var settled = new List<Hold>();
        foreach (var hold in found.Locked)
        {
            var after = hold.At(now);
            if (ReferenceEquals(after, hold))
                continue;
            decisions.Settle(hold, after);
            settled.Add(after);
        }

        HoldOutcome[] outcomes = [.. items.Select(decisions.Decide)];
        await PutOffAsync(outcomes, settled, now, cancellationToken);
        await WriteAsync(decisions, settled, now);
        return outcomes;
    }

    private async Task<Found> LockAsync(CancellationToken cancellationToken)
    {
        var asked = time.GetInstant();
        var batch = new ReadBatch(session);
        var accounts = batch.List(
            $"""
            select p.id, {EffectivePlan.Columns}
            from profiles p
            where p.id in (select a.user_id from {session.Rows("a", _userIds).With("user_id", static id => id)})
            order by p.id {session.Engine.ForUpdate}
            """,
            static row => (UserId: row.Uuid(0), Plan: EffectivePlan.Read(row, 1)));
        var (made, repeats) = FindByIdempotencyKeys(batch);
        List<Hold> latest = [];
        if (_onceKeys.Count > 0)
        {
            await batch.RunAsync(cancellationToken);
            latest = await FindByOnceKeysAsync(asked, cancellationToken);
            batch = new ReadBatch(session);
        }

        // Each answer by a committed one is counted on its row.
        var counted = latest.Where(hold => hold.At(asked).State == ReservationStates.Committed).Select(static hold => (hold.UserId, hold.Id));
        var locked = HoldRows.LockDueAnd(batch, DueOf(), [.. counted], MostDue, asked);
        var months = HoldRows.LockMonths(batch, _userIds, asked.ToMonth());
        await batch.RunAsync(cancellationToken);
        return new Found(accounts, made, repeats, latest, locked, months);
    }

    private (List<Hold> Made, List<(string Key, byte[] Digest, Hold Hold)> Repeats) FindByIdempotencyKeys(ReadBatch batch)
    {
        if (_idempotencyKeys.Count == 0)
            return ([], []);
        var made = batch.List(
            $"""
            select {Hold.Columns}
            from reservations
            where (user_id, idempotency_key) in (select k.user_id, k.name from {Rows(_idempotencyKeys)})
            """,
            Hold.Read);
        var repeats = batch.List(
            $"""
            select {Hold.Columns}, repeated_key, repeated_digest
            from (
                select user_id as repeated_by, idempotency_key as repeated_key, request_digest as repeated_digest, reservation_id
                from repeated_holds
                where (user_id, idempotency_key) in (select k.user_id, k.name from {Rows(_idempotencyKeys)})) r
            join reservations on user_id = repeated_by and id = reservation_id
            """,
            static row => (Key: row.Text(Hold.ColumnCount), Digest: row.BytesOrNull(Hold.ColumnCount + 1)!, Hold: Hold.Read(row)));
        return (made, repeats);
    }

    private Task<List<Hold>> FindByOnceKeysAsync(DateTimeOffset asked, CancellationToken cancellationToken) => session.ListAsync(
        $"""
        select {Hold.Columns}
        from reservations
        where (user_id, id) in (
            select n.user_id, n.id
            from (
                select r.user_id, r.id, row_number() over (partition by r.user_id, r.once_key order by r.created_at desc, r.id desc) as place
                from {Rows(_onceKeys)}
                join reservations r on r.user_id = k.user_id and r.once_key = k.name and r.created_at > {asked - OnceWindow}) n
            where n.place = 1)
        """,
        Hold.Read,
        cancellationToken);

    /// <summary>
    /// Whose due holds are settled: those that someone waits for, where anybody does, the fewest first, and no more accounts than can be settled
    /// whole, so that one with many keeps none with few waiting.
    /// </summary>
    private List<Guid> DueOf()
    {
        var awaited = items.Where(static item => item.Due > 0)
            .GroupBy(static item => item.UserId, static item => item.Due)
            .Select(static account => (UserId: account.Key, Due: account.Max()))
            .OrderBy(static account => account.Due);
        var (chosen, units) = (new List<Guid>(), 0L);
        foreach (var (userId, due) in awaited)
        {
            units += due;
            if (chosen.Count > 0 && units > MostDue)
                break;
            chosen.Add(userId);
        }

        return chosen.Count > 0 ? chosen : _userIds;
    }

    /// <summary>
    /// A month that has just begun, or one that holds nothing although a hold of it is due. Out of order with what is locked already: PostgreSQL
    /// may find a deadlock once a month, and this runs again.
    /// </summary>
    private async Task<Dictionary<(Guid UserId, string Month), MonthStanding>> LockMissingMonthsAsync(Found found, string month, CancellationToken cancellationToken)
    {
        var standings = found.Months.ToDictionary(pair => pair.Key, pair => pair.Standing);
        (Guid UserId, string Month)[] missing =
        [
            .. found.Accounts.Select(account => (account.UserId, Month: month))
                .Concat(found.Locked.Select(static hold => (hold.UserId, hold.Month)))
                .Distinct()
                .Where(key => !standings.ContainsKey(key)),
        ];
        if (missing.Length == 0)
            return standings;
        foreach (var (key, standing) in await HoldRows.LockMonthsAsync(session, missing, cancellationToken))
            standings[key] = standing;
        return standings;
    }

    /// <summary>What is refused although holds that are due, and were not settled here, would make room for it, is not decided yet.</summary>
    private async Task PutOffAsync(HoldOutcome[] outcomes, List<Hold> settled, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var refused = new List<(int Place, Guid UserId, long Missing)>();
        for (var i = 0; i < outcomes.Length; i++)
        {
            if (outcomes[i] is HoldOutcome.QuotaExceeded exceeded && exceeded.Used + exceeded.Asked <= exceeded.Limit)
                refused.Add((i, items[i].UserId, exceeded.Used + exceeded.Held + exceeded.Asked - exceeded.Limit));
        }

        if (refused.Count == 0)
            return;
        List<Guid> userIds = [.. refused.Select(static one => one.UserId).Distinct()];
        var room = await HoldRows.CountRoomAsync(session, userIds, except: settled, MostCounted, now, cancellationToken);
        foreach (var (place, userId, missing) in refused)
        {
            if (room[userId] >= Math.Min(missing, MostCounted))
                outcomes[place] = new HoldOutcome.PutOff(room[userId]);
        }
    }

    private async Task WriteAsync(HoldDecisions decisions, List<Hold> settled, DateTimeOffset now)
    {
        var statements = new List<Sql>();
        if (settled.Count > 0)
            statements.Add(HoldRows.Write(session, settled));
        if (decisions.Granted.Count > 0)
            statements.Add(HoldRows.Insert(session, decisions.Granted));
        if (decisions.Answers.Count > 0)
        {
            statements.Add(
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
            statements.Add(
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

        if (HoldRows.MoveMonths(session, decisions.Months) is { } moved)
            statements.Add(moved);
        await session.EndAsync(statements);
    }

    private static List<(Guid UserId, string Name)> KeysOf(IReadOnlyList<HoldItem> items, Func<HoldItem, string?> name) =>
        [.. items.Where(item => name(item) is not null).Select(item => (item.UserId, name(item)!)).Distinct()];

    private SqlRows<(Guid UserId, string Name)> Rows(List<(Guid UserId, string Name)> keys) =>
        session.Rows("k", keys).With("user_id", static key => key.UserId).With("name", static key => key.Name);

    /// <summary>What the transaction works on.</summary>
    /// <param name="Accounts">Locked. One that is gone is left out.</param>
    /// <param name="Made">Holds that requests with the same Idempotency-Key made.</param>
    /// <param name="Repeats">Holds that requests with the same Idempotency-Key were answered with.</param>
    /// <param name="Latest">The latest hold for each once_key.</param>
    /// <param name="Locked">Holds that were due when it began, and others whose rows are written.</param>
    /// <param name="Months">Locked: this one, and all in which anything is held.</param>
    private sealed record Found(
        List<(Guid UserId, EffectivePlan Plan)> Accounts,
        List<Hold> Made,
        List<(string Key, byte[] Digest, Hold Hold)> Repeats,
        List<Hold> Latest,
        List<Hold> Locked,
        List<((Guid UserId, string Month) Key, MonthStanding Standing)> Months);
}
