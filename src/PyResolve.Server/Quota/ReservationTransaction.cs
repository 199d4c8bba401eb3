using PyResolve.Client.Wire;
using PyResolve.Server.Alerts;
using PyResolve.Server.Ledger;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Quota;

/// <summary>
/// Locks the accounts and their due reservations, decides in memory, and writes the results. Two round trips for any number of requests,
/// two more where there are once_keys, and one before a refusal that due reservations could avoid.
/// </summary>
internal sealed class ReservationTransaction(
    Session session,
    IReadOnlyList<PendingReservation> requests,
    PlanCatalog plans,
    CreditOrigins origins,
    UsageAlerts alerts,
    bool givesLeases,
    TimeProvider time)
{
    /// <summary>
    /// The most due reservations that one transaction settles. With all of an account's, the other accounts would wait too long.
    /// </summary>
    public const int MaxDue = 1_000;

    private const int MaxCounted = 10_000;

    private static readonly TimeSpan OnceWindow = TimeSpan.FromHours(24);

    private readonly List<Guid> _userIds = [.. requests.Select(static request => request.UserId).Distinct()];
    private readonly List<(Guid UserId, string Name)> _idempotencyKeys = KeysOf(requests, static request => request.IdempotencyKey);
    private readonly List<(Guid UserId, string Name)> _onceKeys = KeysOf(requests, static request => request.OnceKey);

    /// <summary>The columns about overage, where a plan has overage.</summary>
    private SqlPart? Overage =>
        plans.HasOverage ? new SqlPart($", {ChosenOverage.Columns}, {SubscriptionEnd.Column(origins)}") : null;

    public async Task<IReadOnlyList<ReservationOutcome>> DecideAsync(CancellationToken cancellationToken)
    {
        var found = await LockAsync(cancellationToken);
        // Read after locking, so that it is later than the instant of the transaction that held the locks before.
        var now = time.GetInstant();
        var month = now.ToMonth();
        var totals = await LockMissingMonthsAsync(found, month, cancellationToken);
        var decisions = new ReservationDecisions(now, givesLeases);
        foreach (var reservation in found.Created)
            decisions.AddEarlier(reservation.IdempotencyKey!, reservation.RequestDigest, reservation, isNew: true);
        foreach (var (key, digest, reservation) in found.Repeated)
            decisions.AddEarlier(key, digest, reservation, isNew: false);
        foreach (var reservation in found.Latest)
            decisions.AddLatest(reservation);
        var credits = found.Credits.ToLookup(static grant => grant.UserId);
        foreach (var (userId, plan, overage, subscriptionEnds) in found.Accounts)
        {
            var planEnds = plan.Until > now ? plan.Until : null;
            decisions.AddAccount(
                userId, plans.At(plan, now), totals[(userId, month)], credits[userId], overage, planEnds.OrEarlier(subscriptionEnds));
        }

        var settled = new List<StoredReservation>();
        foreach (var reservation in found.Locked)
        {
            var after = reservation.At(now);
            if (ReferenceEquals(after, reservation))
                continue;
            decisions.Settle(reservation, after);
            settled.Add(after);
        }

        ReservationOutcome[] outcomes = [.. requests.Select(decisions.Decide)];
        await DeferAsync(outcomes, settled, now, cancellationToken);
        await WriteAsync(decisions, settled, now);
        return outcomes;
    }

    private async Task<Found> LockAsync(CancellationToken cancellationToken)
    {
        var requestedAt = time.GetInstant();
        var batch = new ReadBatch(session);
        var accounts = batch.List(
            $"""
            select p.id, {EffectivePlan.Columns}{Overage}
            from profiles p
            where p.id in (select a.user_id from {session.Rows("a", _userIds).With("user_id", static id => id)})
            order by p.id {session.Engine.ForUpdate}
            """,
            row => (
                UserId: row.Uuid(0),
                Plan: EffectivePlan.Read(row, 1),
                Overage: plans.HasOverage ? ChosenOverage.Read(row, 1 + EffectivePlan.ColumnCount) : null,
                SubscriptionEnds: plans.HasOverage
                    ? row.InstantOrNull(1 + EffectivePlan.ColumnCount + ChosenOverage.ColumnCount)
                    : null));
        var (created, repeated) = FindByIdempotencyKeys(batch);
        List<StoredReservation> latest = [];
        if (_onceKeys.Count > 0)
        {
            await batch.RunAsync(cancellationToken);
            latest = await FindByOnceKeysAsync(requestedAt, cancellationToken);
            batch = new ReadBatch(session);
        }

        // Committed ones are locked as well, because each answer is counted on its row.
        var committed = latest.Where(reservation => reservation.At(requestedAt).State == ReservationStates.Committed)
            .Select(static reservation => (reservation.UserId, reservation.Id));
        var locked = ReservationRows.LockDueAnd(batch, ChooseAccountsToSettle(), [.. committed], MaxDue, requestedAt);
        var months = MonthRows.Lock(batch, _userIds, requestedAt.ToMonth());
        var credits = plans.HasCredits ? CreditRows.Lock(batch, _userIds, origins, requestedAt) : [];
        await batch.RunAsync(cancellationToken);
        return new Found(accounts, created, repeated, latest, locked, months, credits);
    }

    private (List<StoredReservation> Created, List<(string Key, byte[] Digest, StoredReservation Reservation)> Repeated)
        FindByIdempotencyKeys(ReadBatch batch)
    {
        if (_idempotencyKeys.Count == 0)
            return ([], []);
        var created = batch.List(
            ByAccount(
                _idempotencyKeys,
                (some, account) =>
                    $"""
                    select {StoredReservation.Columns}
                    from reservations
                    where (user_id, idempotency_key) in (select k.user_id, k.name from {Rows(some)}){account.And("user_id")}
                    """),
            StoredReservation.Read);
        var repeated = batch.List(
            ByAccount(
                _idempotencyKeys,
                (some, account) =>
                    $"""
                    select {StoredReservation.Columns}, repeated_key, repeated_digest
                    from (
                        select user_id as repeated_by, idempotency_key as repeated_key, request_digest as repeated_digest, reservation_id
                        from repeated_holds
                        where (user_id, idempotency_key) in (select k.user_id, k.name from {Rows(some)}){account.And("user_id")}) r
                    join reservations on user_id = repeated_by and id = reservation_id{account.And("user_id")}
                    """),
            static row => (
                Key: row.Text(StoredReservation.ColumnCount),
                Digest: row.BytesOrNull(StoredReservation.ColumnCount + 1)!,
                Reservation: StoredReservation.Read(row)));
        return (created, repeated);
    }

    private Task<List<StoredReservation>> FindByOnceKeysAsync(DateTimeOffset requestedAt, CancellationToken cancellationToken) =>
        session.ListAsync(
        ByAccount(
            _onceKeys,
            (some, account) =>
                $"""
                select {StoredReservation.Columns}
                from reservations
                where (user_id, id) in (
                    select n.user_id, n.id
                    from (
                        select r.user_id, r.id,
                               row_number() over (partition by r.user_id, r.once_key order by r.created_at desc, r.id desc) as place
                        from {Rows(some)}
                        join reservations r on r.user_id = k.user_id and r.once_key = k.name
                          and r.created_at > {requestedAt - OnceWindow}{account.And("r.user_id")}) n
                    where n.place = 1){account.And("user_id")}
                """),
        StoredReservation.Read,
        cancellationToken);

    /// <summary>
    /// Chooses the accounts with the fewest due units first, and only those that can be settled completely, so that one account does not
    /// delay many.
    /// </summary>
    private List<Guid> ChooseAccountsToSettle()
    {
        var deferred = requests.Where(static request => request.Due > 0)
            .GroupBy(static request => request.UserId, static request => request.Due)
            .Select(static account => (UserId: account.Key, Due: account.Max()))
            .OrderBy(static account => account.Due);
        var (chosen, units) = (new List<Guid>(), 0L);
        foreach (var (userId, due) in deferred)
        {
            units += due;
            if (chosen.Count > 0 && units > MaxDue)
                break;
            chosen.Add(userId);
        }

        return chosen.Count > 0 ? chosen : _userIds;
    }

    /// <summary>
    /// Locks the rows of a month that has just begun, or that holds nothing although a reservation of it is due. This lock is out of order:
    /// PostgreSQL may find a deadlock, about once a month, and the transaction is retried.
    /// </summary>
    private async Task<Dictionary<(Guid UserId, string Month), MonthTotals>> LockMissingMonthsAsync(
        Found found, string month, CancellationToken cancellationToken)
    {
        var totals = found.Months.ToDictionary(static pair => pair.Key, static pair => pair.Totals);
        (Guid UserId, string Month)[] missing =
        [
            .. found.Accounts.Select(account => (account.UserId, Month: month))
                .Concat(found.Locked.Select(static reservation => (reservation.UserId, reservation.Month)))
                .Distinct()
                .Where(key => !totals.ContainsKey(key)),
        ];
        if (missing.Length == 0)
            return totals;
        foreach (var (key, value) in await MonthRows.LockAsync(session, missing, cancellationToken))
            totals[key] = value;
        return totals;
    }

    /// <summary>Defers refusals that due reservations, not settled here, would turn into grants.</summary>
    private async Task DeferAsync(
        ReservationOutcome[] outcomes, List<StoredReservation> settled, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var refused = new List<(int Index, Guid UserId, long Missing)>();
        for (var i = 0; i < outcomes.Length; i++)
        {
            if (outcomes[i] is ReservationOutcome.QuotaExceeded { IsHeldOnly: true } exceeded)
                refused.Add((i, requests[i].UserId, exceeded.Used + exceeded.Held + exceeded.Asked - exceeded.Limit - exceeded.Beyond));
        }

        if (refused.Count == 0)
            return;
        List<Guid> userIds = [.. refused.Select(static one => one.UserId).Distinct()];
        var returning = await ReservationRows.CountReturningUnitsAsync(
            session, userIds, except: settled, MaxCounted, now, cancellationToken);
        foreach (var (index, userId, missing) in refused)
        {
            if (returning[userId] >= Math.Min(missing, MaxCounted))
                outcomes[index] = new ReservationOutcome.Deferred(returning[userId]);
        }
    }

    private async Task WriteAsync(ReservationDecisions decisions, List<StoredReservation> settled, DateTimeOffset now)
    {
        var statements = new List<Sql>();
        statements.AddRange(ReservationRows.Update(session, settled));
        statements.AddRange(ReservationRows.Insert(session, decisions.Granted));
        if (decisions.OnceAnswers.Count > 0)
        {
            statements.AddRange(session.ByAccount(
                decisions.OnceAnswers.ToList(),
                static answer => answer.Key.UserId,
                (some, account) =>
                    $"""
                    update reservations
                    set once_answers = once_answers + a.answers
                    from {session.Rows("a", some)
                        .With("user_id", static answer => answer.Key.UserId)
                        .With("id", static answer => answer.Key.Id)
                        .With("answers", static answer => (long)answer.Value)}
                    where reservations.user_id = a.user_id and reservations.id = a.id{account.And("reservations.user_id")}
                    """));
        }

        if (decisions.Repeated.Count > 0)
        {
            statements.AddRange(session.Engine.InParts(
                decisions.Repeated,
                some =>
                    $"""
                    insert into repeated_holds (user_id, idempotency_key, request_digest, reservation_id, created_at)
                    {session.Rows("r", some)
                        .With("user_id", static repeated => repeated.Request.UserId)
                        .With("idempotency_key", static repeated => repeated.Request.IdempotencyKey)
                        .With("request_digest", static repeated => repeated.Request.Digest)
                        .With("reservation_id", static repeated => repeated.Id)
                        .With("created_at", _ => now)
                        .Inserted()}
                    """));
        }

        statements.AddRange(MonthRows.Update(session, decisions.Months));
        statements.AddRange(CreditRows.Move(session, decisions.Granted, settled));
        statements.AddRange(alerts.Write(session, decisions.Months.Lapsed));
        await session.EndAsync(statements);
    }

    private static List<(Guid UserId, string Name)> KeysOf(
        IReadOnlyList<PendingReservation> requests, Func<PendingReservation, string?> name) =>
        [.. requests.Where(request => name(request) is not null).Select(request => (request.UserId, name(request)!)).Distinct()];

    private IEnumerable<Sql> ByAccount(
        List<(Guid UserId, string Name)> keys, Func<IReadOnlyList<(Guid UserId, string Name)>, OneAccount, Sql> write) =>
        session.ByAccount(keys, static key => key.UserId, write);

    private SqlRows<(Guid UserId, string Name)> Rows(IReadOnlyList<(Guid UserId, string Name)> keys) =>
        session.Rows("k", keys).With("user_id", static key => key.UserId).With("name", static key => key.Name);

    /// <param name="Accounts">Locked. Deleted accounts are left out.</param>
    /// <param name="Created">Reservations that earlier requests with the same Idempotency-Keys created.</param>
    /// <param name="Repeated">Reservations that answered earlier requests with the same Idempotency-Keys.</param>
    /// <param name="Latest">The latest reservation for each once_key.</param>
    /// <param name="Locked">Reservations that were due, and others that are written.</param>
    /// <param name="Months">Locked: this month, and all in which the accounts hold units.</param>
    /// <param name="Credits">Locked, where a plan draws on credits.</param>
    private sealed record Found(
        List<(Guid UserId, EffectivePlan Plan, ChosenOverage? Overage, DateTimeOffset? SubscriptionEnds)> Accounts,
        List<StoredReservation> Created,
        List<(string Key, byte[] Digest, StoredReservation Reservation)> Repeated,
        List<StoredReservation> Latest,
        List<StoredReservation> Locked,
        List<((Guid UserId, string Month) Key, MonthTotals Totals)> Months,
        List<CreditGrant> Credits);
}
