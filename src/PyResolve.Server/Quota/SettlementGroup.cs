using PyResolve.Client.Wire;
using PyResolve.Server.Ledger;
using PyResolve.Server.Storage;
using PyResolve.Server.Usage;

namespace PyResolve.Server.Quota;

/// <summary>Commits and releases holds for many requests in one transaction, those of one hold one after the other.</summary>
internal sealed class SettlementGroup : IAsyncDisposable
{
    /// <summary>A commit carries up to 16 KiB of metadata.</summary>
    private static readonly GroupLimits Limits = new(QueueItems: 16_384, QueueBytes: 64 * 1024 * 1024, GroupItems: 512, GroupBytes: 4 * 1024 * 1024);

    private readonly Database _database;
    private readonly TimeProvider _time;
    private readonly GroupCommit<Settlement, SettlementOutcome> _group;

    public SettlementGroup(Database database, TimeProvider time)
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
        var holds = await HeldUnits.LockAsync(session, [.. settlements.Select(static settlement => settlement.Key)], cancellationToken);
        // Only now: whoever held the locks before has decided at an earlier instant.
        var now = _time.GetInstant();
        foreach (var hold in holds.All.ToList())
            holds.Become(hold.At(now));

        var outcomes = new SettlementOutcome[settlements.Count];
        var spent = await SpentOnAsync(session, settlements, holds, cancellationToken);
        var rollups = new Rollups();
        foreach (var round in RoundsOf(settlements))
        {
            var postings = new List<(int Place, Posting Posting)>();
            foreach (var place in round)
            {
                outcomes[place] = Settle(settlements[place], holds, spent, now, out var usage);
                if (usage is not null)
                    postings.Add((place, new Posting(settlements[place].UserId, usage)));
            }

            await RecordAsync(session, postings, holds, rollups, outcomes, now, cancellationToken);
        }

        // After all events, as everywhere: one that comes by POST /usage under the same id must not wait for a month that waits for it.
        var months = HoldRows.LockMonths(session, [.. holds.All.Select(static hold => (hold.UserId, hold.Month))]);
        await session.EndAsync([months, .. rollups.Write(session), .. holds.Write(session)]);
        return outcomes;
    }

    /// <summary>Each hold at most once in a round: what one commit records decides what the next one finds.</summary>
    private static IEnumerable<IEnumerable<int>> RoundsOf(IReadOnlyList<Settlement> settlements) =>
        from place in Enumerable.Range(0, settlements.Count)
        group place by settlements[place].Key into ofHold
        from turn in ofHold.Select(static (place, number) => (place, number))
        group turn.place by turn.number into round
        orderby round.Key
        select round;

    /// <param name="usage">What is to be recorded before it is settled.</param>
    private static SettlementOutcome Settle(
        Settlement settlement, HeldUnits holds, Dictionary<Guid, int> spent, DateTimeOffset now, out UsageRecord? usage)
    {
        usage = null;
        if (holds.Find(settlement.UserId, settlement.Id) is not { } hold)
            return new SettlementOutcome.NotFound();
        if (settlement.Commit is not { } commit)
            return Release(hold, holds, now);
        if (hold.State == ReservationStates.Committed)
            return new SettlementOutcome.Committed(hold.UsageEventId);

        // What an expired or released hold no longer holds was still worked for: all but what events have spent of it already.
        var available = hold.Available(spent.GetValueOrDefault(hold.Id));
        if (commit.Quantity > available)
            return new SettlementOutcome.TooMany(available);
        if (available > 0)
            usage = UsageRecord.From(hold, commit, commit.Quantity ?? available, isLate: !hold.Covers, now);
        else
            holds.Become(hold.Commit(0, hold.UsageEventId, now));
        return new SettlementOutcome.Committed(usage?.Id ?? hold.UsageEventId);
    }

    private static SettlementOutcome Release(Hold hold, HeldUnits holds, DateTimeOffset now)
    {
        if (hold.State == ReservationStates.Committed)
            return new SettlementOutcome.IsCommitted();
        if (hold.Lapsed > 0 && now > hold.RefundedUntil)
            return new SettlementOutcome.TooLate(hold.RefundedUntil);
        if (hold.State != ReservationStates.Released)
            holds.Become(hold.Release());
        return new SettlementOutcome.Released();
    }

    private static async Task RecordAsync(
        Session session,
        List<(int Place, Posting Posting)> postings,
        HeldUnits holds,
        Rollups rollups,
        SettlementOutcome[] outcomes,
        DateTimeOffset now,
        CancellationToken cancellationToken)
    {
        if (postings.Count == 0)
            return;
        var recorded = await LedgerWriter.RecordSettledAsync(session, [.. postings.Select(static pair => pair.Posting)], rollups, cancellationToken);
        foreach (var ((place, (userId, usage)), outcome) in postings.Zip(recorded))
        {
            if (outcome is RecordOutcome.Recorded)
                holds.Become(holds.Find(userId, usage.ReservationId!.Value)!.Commit(usage.Quantity, usage.Id, now));
            else
                outcomes[place] = new SettlementOutcome.IdTaken();
        }
    }

    /// <summary>Asked only of those that hold nothing more, or not when their turn comes: otherwise their row says it.</summary>
    private static async Task<Dictionary<Guid, int>> SpentOnAsync(
        Session session, IReadOnlyList<Settlement> settlements, HeldUnits holds, CancellationToken cancellationToken)
    {
        var released = settlements.Where(static settlement => settlement.Commit is null).Select(static settlement => settlement.Key).ToHashSet();
        (Guid, Guid)[] ended =
        [
            .. from settlement in settlements
               where settlement.Commit is not null
               let hold = holds.Find(settlement.UserId, settlement.Id)
               where hold is not null && hold.State != ReservationStates.Committed && (!hold.Covers || released.Contains(settlement.Key))
               select settlement.Key,
        ];
        return ended.Length == 0 ? [] : await HoldRows.SpentAsync(session, [.. ended.Distinct()], cancellationToken);
    }
}
