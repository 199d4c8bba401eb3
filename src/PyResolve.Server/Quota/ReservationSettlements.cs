using System.Text.Json;
using PyResolve.Client.Wire;
using PyResolve.Server.Alerts;
using PyResolve.Server.Ledger;
using PyResolve.Server.Storage;
using PyResolve.Server.Telemetry;

namespace PyResolve.Server.Quota;

/// <summary>A commit, or without a <c>Commit</c> a release.</summary>
internal sealed record Settlement(Guid UserId, Guid Id, CommitRequest? Commit)
{
    /// <summary>The API key that commits; null: a session.</summary>
    public Guid? KeyId { get; init; }

    public (Guid UserId, Guid Id) Key => (UserId, Id);
}

/// <summary>Commits and releases many in one transaction, those of one reservation in order.</summary>
internal sealed class ReservationSettlements : IAsyncDisposable
{
    private readonly Database _database;
    private readonly UsageAlerts _alerts;
    private readonly ServerMetrics _metrics;
    private readonly StoreHistory _history;
    private readonly TimeProvider _time;
    private readonly GroupCommit<Settlement, SettlementOutcome> _group;

    public ReservationSettlements(
        Database database, UsageAlerts alerts, ServerMetrics metrics, StoreHistory history, TimeProvider time)
    {
        (_database, _alerts, _metrics, _history, _time) = (database, alerts, metrics, history, time);
        _group = new GroupCommit<Settlement, SettlementOutcome>(
            ReservationGroups.Limits, FlushAsync, Reject, database.FindShardAsync, database.WriteTimeout);
    }

    /// <summary>
    /// Settles a reservation. A commit after expiry or release, or of a reservation that the store lost, is recorded as late.
    /// </summary>
    public async Task<SettlementOutcome> SettleAsync(Settlement settlement, CancellationToken cancellationToken)
    {
        var metadata = settlement.Commit?.Metadata is { ValueKind: JsonValueKind.Object } document ? document.GetRawText().Length : 0;
        var outcome = await SubmitAsync();
        if (outcome is SettlementOutcome.NotFound && settlement.Commit is not null
            && await _history.MayHaveLostAsync([settlement.Id], cancellationToken))
        {
            outcome = await SubmitAsync();
        }

        _metrics.ReservationSettled(outcome is SettlementOutcome.Committed, outcome is SettlementOutcome.Released);
        return outcome;

        async Task<SettlementOutcome> SubmitAsync() =>
            (await _group.SubmitAsync(settlement.UserId, [settlement], 512 + (2L * metadata), cancellationToken))[0];
    }

    public ValueTask DisposeAsync() => _group.DisposeAsync();

    private SettlementOutcome.RejectedByStore Reject(Settlement settlement, Exception exception)
    {
        _database.ThrowUnlessRefused(exception);
        return new SettlementOutcome.RejectedByStore();
    }

    private Task<IReadOnlyList<SettlementOutcome>> FlushAsync(IReadOnlyList<Settlement> settlements) =>
        _database.OfAccount(settlements[0].UserId).WriteAsync(
            session => SettleAsync(session, settlements, CancellationToken.None), CancellationToken.None);

    private async Task<IReadOnlyList<SettlementOutcome>> SettleAsync(
        Session session, IReadOnlyList<Settlement> settlements, CancellationToken cancellationToken)
    {
        var reservations = await LockedReservations.LockAsync(
            session, [.. settlements.Select(static settlement => settlement.Key)], cancellationToken);
        // Read after locking, so that it is later than the instant of the transaction that held the locks before.
        var now = _time.GetInstant();
        foreach (var reservation in reservations.All.ToList())
            reservations.Update(reservation.At(now));

        var outcomes = new SettlementOutcome[settlements.Count];
        var spent = await SumSpentAsync(session, settlements, reservations, cancellationToken);
        var (rollups, charges) = (new RollupChanges(), new List<Charge>());
        foreach (var round in RoundsOf(settlements))
        {
            var events = new List<(int Index, PendingUsageEvent Event)>();
            foreach (var index in round)
            {
                outcomes[index] = Settle(settlements[index], reservations, spent, now, out var usage);
                if (usage is not null)
                    events.Add((index, new PendingUsageEvent(settlements[index].UserId, usage)));
            }

            await RecordAsync(session, events, reservations, rollups, charges, outcomes, now, cancellationToken);
        }

        // A commit that is sent again changes nothing, and the first may not be replicated yet, where its request was cut short.
        var lost = settlements.Zip(outcomes)
            .Where(pair => reservations.MayBeLost(pair.First.UserId, pair.First.Id))
            .Select(static pair => (pair.First.UserId, Id: (pair.Second as SettlementOutcome.Committed)?.UsageEventId))
            .Where(static key => key.Id is not null)
            .Select(static key => (key.UserId, key.Id!.Value))
            .ToList();
        // Months are locked after all events, as everywhere: otherwise a POST /usage with the same event id would deadlock with this.
        var months = MonthRows.Lock(session, [.. reservations.Months]);
        await session.EndAsync(
        [
            .. months, .. rollups.Write(session), .. reservations.Write(session), .. Charges.Write(session, charges),
            .. _alerts.Write(session, rollups.Grown.Concat(reservations.Months)),
            .. LedgerWriter.WaitForReplicas(session, lost),
        ]);
        return outcomes;
    }

    /// <summary>Groups the indexes so that a round has each reservation once: a commit changes what the next one finds.</summary>
    private static IEnumerable<IEnumerable<int>> RoundsOf(IReadOnlyList<Settlement> settlements) =>
        from index in Enumerable.Range(0, settlements.Count)
        group index by settlements[index].Key into ofReservation
        from turn in ofReservation.Select(static (index, number) => (index, number))
        group turn.index by turn.number into round
        orderby round.Key
        select round;

    private static SettlementOutcome Settle(
        Settlement settlement,
        LockedReservations reservations,
        Dictionary<Guid, int> spent,
        DateTimeOffset now,
        out UsageEvent? usage)
    {
        usage = null;
        if (reservations.Find(settlement.UserId, settlement.Id) is not { } reservation)
        {
            if (settlement.Commit is null || !reservations.MayBeLost(settlement.UserId, settlement.Id))
                return new SettlementOutcome.NotFound();
            usage = UsageEvent.FromLost(settlement.Id, settlement.Commit, settlement.KeyId, now);
            return new SettlementOutcome.Committed(usage.Id);
        }

        if (settlement.Commit is not { } commit)
            return Release(reservation, reservations, now);
        if (reservation.State == ReservationStates.Committed)
            return new SettlementOutcome.Committed(reservation.UsageEventId);

        var available = reservation.Available(spent.GetValueOrDefault(reservation.Id));
        if (commit.Quantity > available)
            return new SettlementOutcome.TooMany(available);
        if (available > 0)
        {
            usage = UsageEvent.From(
                reservation, commit, settlement.KeyId, commit.Quantity ?? available, isLate: !reservation.Covers, now);
        }
        else
        {
            reservations.Update(reservation.Commit(0, reservation.UsageEventId, now));
        }

        return new SettlementOutcome.Committed(usage?.Id ?? reservation.UsageEventId);
    }

    private static SettlementOutcome Release(StoredReservation reservation, LockedReservations reservations, DateTimeOffset now)
    {
        if (reservation.State == ReservationStates.Committed)
            return new SettlementOutcome.AlreadyCommitted();
        if (reservation.Lapsed > 0 && now > reservation.RefundableUntil)
            return new SettlementOutcome.TooLate(reservation.RefundableUntil);
        if (reservation.State != ReservationStates.Released)
            reservations.Update(reservation.Release());
        return new SettlementOutcome.Released();
    }

    private static async Task RecordAsync(
        Session session,
        List<(int Index, PendingUsageEvent Event)> events,
        LockedReservations reservations,
        RollupChanges rollups,
        List<Charge> charges,
        SettlementOutcome[] outcomes,
        DateTimeOffset now,
        CancellationToken cancellationToken)
    {
        if (events.Count == 0)
            return;
        var recorded = await LedgerWriter.RecordSettledAsync(
            session, [.. events.Select(static pair => pair.Event)], rollups, cancellationToken);
        foreach (var ((index, (userId, usage)), outcome) in events.Zip(recorded))
        {
            var reservation = reservations.Find(userId, usage.ReservationId!.Value);
            if (outcome is not RecordOutcome.Recorded)
            {
                if (reservation is not null || IsAnother(usage, outcome))
                    outcomes[index] = new SettlementOutcome.IdTaken();
                continue;
            }

            if (reservation is null)
                continue;
            var sources = reservation.SourcesOf(usage.Quantity);
            if (!sources.IsPlanOnly)
                charges.Add(new Charge(userId, usage.Id, reservation.Plan, sources, now));
            reservations.Update(reservation.Commit(usage.Quantity, usage.Id, now));
        }
    }

    /// <summary>
    /// Whether a stored event is another one than this. For a lost reservation it is this one, unless the client gave it an id of its own.
    /// </summary>
    private static bool IsAnother(UsageEvent usage, RecordOutcome outcome) =>
        outcome is RecordOutcome.Conflict && usage.Id != usage.ReservationId;

    /// <summary>
    /// Sums what events have spent, only for reservations that hold nothing, or will not when their turn comes. Other rows say what is
    /// left.
    /// </summary>
    private static async Task<Dictionary<Guid, int>> SumSpentAsync(
        Session session, IReadOnlyList<Settlement> settlements, LockedReservations reservations, CancellationToken cancellationToken)
    {
        var released = settlements.Where(static settlement => settlement.Commit is null)
            .Select(static settlement => settlement.Key)
            .ToHashSet();
        (Guid, Guid)[] ended =
        [
            .. from settlement in settlements
               where settlement.Commit is not null
               let reservation = reservations.Find(settlement.UserId, settlement.Id)
               where reservation is not null && reservation.State != ReservationStates.Committed
                     && (!reservation.Covers || released.Contains(settlement.Key))
               select settlement.Key,
        ];
        return ended.Length == 0 ? [] : await ReservationRows.SumSpentAsync(session, [.. ended.Distinct()], cancellationToken);
    }
}
