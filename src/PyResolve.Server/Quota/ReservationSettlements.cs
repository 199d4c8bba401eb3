using PyResolve.Client.Wire;
using PyResolve.Server.Ledger;
using PyResolve.Server.Storage;
using PyResolve.Server.Usage;

namespace PyResolve.Server.Quota;

/// <summary>Commits and releases reservations for many requests in one transaction, those of one reservation one after the other.</summary>
internal sealed class ReservationSettlements : IAsyncDisposable
{
    /// <summary>A commit carries up to 16 KiB of metadata.</summary>
    private static readonly GroupLimits Limits = new(QueueItems: 16_384, QueueBytes: 64 * 1024 * 1024, GroupItems: 512, GroupBytes: 4 * 1024 * 1024);

    private readonly Database _database;
    private readonly TimeProvider _time;
    private readonly GroupCommit<Settlement, SettlementOutcome> _group;

    public ReservationSettlements(Database database, TimeProvider time)
    {
        (_database, _time) = (database, time);
        _group = new GroupCommit<Settlement, SettlementOutcome>(Limits, FlushAsync, Refuse);
    }

    public async Task<SettlementOutcome> SettleAsync(Settlement settlement, CancellationToken cancellationToken)
    {
        var metadata = settlement.Commit?.Metadata is { ValueKind: System.Text.Json.JsonValueKind.Object } document ? document.GetRawText().Length : 0;
        return (await _group.SubmitAsync(settlement.UserId, [settlement], 512 + (2L * metadata), cancellationToken))[0];
    }

    public ValueTask DisposeAsync() => _group.DisposeAsync();

    /// <summary>What the store does not take is the sender's to mend; whatever else went wrong is not.</summary>
    private SettlementOutcome.Refused Refuse(Settlement settlement, Exception exception)
    {
        _database.ThrowUnlessRefused(exception);
        return new SettlementOutcome.Refused();
    }

    private Task<IReadOnlyList<SettlementOutcome>> FlushAsync(IReadOnlyList<Settlement> settlements) =>
        _database.WriteAsync(session => SettleAsync(session, settlements, CancellationToken.None), CancellationToken.None);

    private async Task<IReadOnlyList<SettlementOutcome>> SettleAsync(Session session, IReadOnlyList<Settlement> settlements, CancellationToken cancellationToken)
    {
        var reservations = await LockedReservations.LockAsync(session, [.. settlements.Select(static settlement => settlement.Key)], cancellationToken);
        // Only now: whoever held the locks before has decided at an earlier instant.
        var now = _time.GetInstant();
        foreach (var reservation in reservations.All.ToList())
            reservations.Become(reservation.At(now));

        var outcomes = new SettlementOutcome[settlements.Count];
        var spent = await SpentOnAsync(session, settlements, reservations, cancellationToken);
        var rollups = new RollupChanges();
        foreach (var round in RoundsOf(settlements))
        {
            var events = new List<(int Place, PendingUsageEvent PendingUsageEvent)>();
            foreach (var place in round)
            {
                outcomes[place] = Settle(settlements[place], reservations, spent, now, out var usage);
                if (usage is not null)
                    events.Add((place, new PendingUsageEvent(settlements[place].UserId, usage)));
            }

            await RecordAsync(session, events, reservations, rollups, outcomes, now, cancellationToken);
        }

        // After all events, as everywhere: one that comes by POST /usage under the same id must not wait for a month that waits for it.
        var months = ReservationRows.LockMonths(session, [.. reservations.All.Select(static reservation => (reservation.UserId, reservation.Month))]);
        await session.EndAsync([months, .. rollups.Write(session), .. reservations.Write(session)]);
        return outcomes;
    }

    /// <summary>Each reservation at most once in a round: what one commit records decides what the next one finds.</summary>
    private static IEnumerable<IEnumerable<int>> RoundsOf(IReadOnlyList<Settlement> settlements) =>
        from place in Enumerable.Range(0, settlements.Count)
        group place by settlements[place].Key into ofHold
        from turn in ofHold.Select(static (place, number) => (place, number))
        group turn.place by turn.number into round
        orderby round.Key
        select round;

    /// <param name="usage">What is to be recorded before it is settled.</param>
    private static SettlementOutcome Settle(
        Settlement settlement, LockedReservations reservations, Dictionary<Guid, int> spent, DateTimeOffset now, out UsageEvent? usage)
    {
        usage = null;
        if (reservations.Find(settlement.UserId, settlement.Id) is not { } reservation)
            return new SettlementOutcome.NotFound();
        if (settlement.Commit is not { } commit)
            return Release(reservation, reservations, now);
        if (reservation.State == ReservationStates.Committed)
            return new SettlementOutcome.Committed(reservation.UsageEventId);

        // What an expired or released reservation no longer holds was still worked for: all but what events have spent of it already.
        var available = reservation.Available(spent.GetValueOrDefault(reservation.Id));
        if (commit.Quantity > available)
            return new SettlementOutcome.TooMany(available);
        if (available > 0)
            usage = UsageEvent.From(reservation, commit, commit.Quantity ?? available, isLate: !reservation.Covers, now);
        else
            reservations.Become(reservation.Commit(0, reservation.UsageEventId, now));
        return new SettlementOutcome.Committed(usage?.Id ?? reservation.UsageEventId);
    }

    private static SettlementOutcome Release(StoredReservation reservation, LockedReservations reservations, DateTimeOffset now)
    {
        if (reservation.State == ReservationStates.Committed)
            return new SettlementOutcome.IsCommitted();
        if (reservation.Lapsed > 0 && now > reservation.RefundedUntil)
            return new SettlementOutcome.TooLate(reservation.RefundedUntil);
        if (reservation.State != ReservationStates.Released)
            reservations.Become(reservation.Release());
        return new SettlementOutcome.Released();
    }

    private static async Task RecordAsync(
        Session session,
        List<(int Place, PendingUsageEvent PendingUsageEvent)> events,
        LockedReservations reservations,
        RollupChanges rollups,
        SettlementOutcome[] outcomes,
        DateTimeOffset now,
        CancellationToken cancellationToken)
    {
        if (events.Count == 0)
            return;
        var recorded = await LedgerWriter.RecordSettledAsync(session, [.. events.Select(static pair => pair.PendingUsageEvent)], rollups, cancellationToken);
        foreach (var ((place, (userId, usage)), outcome) in events.Zip(recorded))
        {
            if (outcome is RecordOutcome.Recorded)
                reservations.Become(reservations.Find(userId, usage.ReservationId!.Value)!.Commit(usage.Quantity, usage.Id, now));
            else
                outcomes[place] = new SettlementOutcome.IdTaken();
        }
    }

    /// <summary>Asked only of those that hold nothing more, or not when their turn comes: otherwise their row says it.</summary>
    private static async Task<Dictionary<Guid, int>> SpentOnAsync(
        Session session, IReadOnlyList<Settlement> settlements, LockedReservations reservations, CancellationToken cancellationToken)
    {
        var released = settlements.Where(static settlement => settlement.Commit is null).Select(static settlement => settlement.Key).ToHashSet();
        (Guid, Guid)[] ended =
        [
            .. from settlement in settlements
               where settlement.Commit is not null
               let reservation = reservations.Find(settlement.UserId, settlement.Id)
               where reservation is not null && reservation.State != ReservationStates.Committed && (!reservation.Covers || released.Contains(settlement.Key))
               select settlement.Key,
        ];
        return ended.Length == 0 ? [] : await ReservationRows.SpentAsync(session, [.. ended.Distinct()], cancellationToken);
    }
}
