using System.Runtime.ExceptionServices;
using PyResolve.Client.Wire;
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
        _group = new GroupCommit<Settlement, SettlementOutcome>(Limits, FlushAsync, static (_, exception) =>
        {
            ExceptionDispatchInfo.Throw(exception);
            return null!;
        });
    }

    public async Task<SettlementOutcome> SettleAsync(Settlement settlement, CancellationToken cancellationToken)
    {
        var metadata = settlement.Commit?.Metadata is { ValueKind: System.Text.Json.JsonValueKind.Object } document ? document.GetRawText().Length : 0;
        return (await _group.SubmitAsync(settlement.UserId, [settlement], 512 + (2L * metadata), cancellationToken))[0];
    }

    public ValueTask DisposeAsync() => _group.DisposeAsync();

    private Task<IReadOnlyList<SettlementOutcome>> FlushAsync(IReadOnlyList<Settlement> settlements) =>
        _database.WriteAsync(session => SettleAsync(session, settlements, CancellationToken.None), CancellationToken.None);

    private async Task<IReadOnlyList<SettlementOutcome>> SettleAsync(Session session, IReadOnlyList<Settlement> settlements, CancellationToken cancellationToken)
    {
        var stored = (await HoldRows.LockAsync(session, [.. settlements.Select(static settlement => settlement.Key).Distinct()], cancellationToken))
            .ToDictionary(static hold => (hold.UserId, hold.Id));
        // Only now: whoever held the locks before has decided at an earlier instant.
        var now = _time.GetInstant();
        var standing = stored.ToDictionary(static pair => pair.Key, pair => pair.Value.At(now));
        await HoldRows.LockMonthsAsync(session, [.. stored.Values.Select(static hold => (hold.UserId, hold.Month))], cancellationToken);
        var spent = await SpentOnAsync(session, settlements, standing, cancellationToken);

        var outcomes = new SettlementOutcome[settlements.Count];
        foreach (var round in RoundsOf(settlements))
            await SettleRoundAsync(session, settlements, round, standing, spent, outcomes, now, cancellationToken);
        await WriteAsync(session, stored, standing, cancellationToken);
        return outcomes;
    }

    /// <summary>Each hold at most once in a round: what one commit records decides what the next one finds.</summary>
    private static IEnumerable<IEnumerable<int>> RoundsOf(IReadOnlyList<Settlement> settlements) =>
        from place in Enumerable.Range(0, settlements.Count)
        group place by settlements[place].Key into ofHold
        from turn in ofHold.Select(static (place, turn) => (place, turn))
        group turn.place by turn.turn into round
        orderby round.Key
        select round;

    private static async Task SettleRoundAsync(
        Session session,
        IReadOnlyList<Settlement> settlements,
        IEnumerable<int> round,
        Dictionary<(Guid UserId, Guid Id), Hold> standing,
        IReadOnlyDictionary<Guid, int> spent,
        SettlementOutcome[] outcomes,
        DateTimeOffset now,
        CancellationToken cancellationToken)
    {
        foreach (var place in round)
        {
            var settlement = settlements[place];
            if (!standing.TryGetValue(settlement.Key, out var hold))
            {
                outcomes[place] = new SettlementOutcome.NotFound();
            }
            else if (settlement.Commit is null)
            {
                (standing[settlement.Key], outcomes[place]) = Release(hold, now);
            }
            else if (hold.State == ReservationStates.Committed)
            {
                outcomes[place] = new SettlementOutcome.Committed(hold.UsageEventId);
            }
            else
            {
                (standing[settlement.Key], outcomes[place]) = await CommitAsync(
                    session, hold, settlement.Commit, spent.GetValueOrDefault(hold.Id), now, cancellationToken);
            }
        }
    }

    private static async Task<(Hold Hold, SettlementOutcome Outcome)> CommitAsync(
        Session session, Hold hold, CommitRequest commit, int spent, DateTimeOffset now, CancellationToken cancellationToken)
    {
        // What an expired or released hold no longer holds was still worked for: all but what events have spent of it already.
        var available = hold.Available(spent);
        if (commit.Quantity > available)
            return (hold, new SettlementOutcome.TooMany(available));
        if (available == 0)
            return (hold.Commit(0, hold.UsageEventId, now), new SettlementOutcome.Committed(hold.UsageEventId));
        var usage = UsageRecord.From(hold, commit, commit.Quantity ?? available, isLate: !hold.Covers, now);
        return await UsageLedger.RecordAsync(session, hold.UserId, usage, cancellationToken) is RecordOutcome.Recorded
            ? (hold.Commit(usage.Quantity, usage.Id, now), new SettlementOutcome.Committed(usage.Id))
            : (hold, new SettlementOutcome.IdTaken());
    }

    private static (Hold Hold, SettlementOutcome Outcome) Release(Hold hold, DateTimeOffset now)
    {
        if (hold.State == ReservationStates.Committed)
            return (hold, new SettlementOutcome.IsCommitted());
        if (hold.Lapsed > 0 && now > hold.RefundedUntil)
            return (hold, new SettlementOutcome.TooLate(hold.RefundedUntil));
        return (hold.Release(), new SettlementOutcome.Released());
    }

    /// <summary>Asked only of those that hold nothing more: otherwise their row says it.</summary>
    private static async Task<IReadOnlyDictionary<Guid, int>> SpentOnAsync(
        Session session,
        IReadOnlyList<Settlement> settlements,
        Dictionary<(Guid UserId, Guid Id), Hold> standing,
        CancellationToken cancellationToken)
    {
        (Guid, Guid)[] ended =
        [
            .. from settlement in settlements
               where settlement.Commit is not null
               where standing.TryGetValue(settlement.Key, out var hold) && !hold.Covers && hold.State != ReservationStates.Committed
               select settlement.Key,
        ];
        return ended.Length == 0
            ? new Dictionary<Guid, int>()
            : await HoldRows.SpentAsync(session, [.. ended.Distinct()], cancellationToken);
    }

    private static async Task WriteAsync(
        Session session,
        Dictionary<(Guid UserId, Guid Id), Hold> stored,
        Dictionary<(Guid UserId, Guid Id), Hold> standing,
        CancellationToken cancellationToken)
    {
        var months = new MonthChanges();
        var changed = new List<Hold>();
        foreach (var (key, before) in stored)
        {
            var after = standing[key];
            if (after == before)
                continue;
            changed.Add(after);
            months.Settle(before, after);
        }

        await HoldRows.WriteAsync(session, changed, cancellationToken);
        await HoldRows.MoveMonthsAsync(session, months.All, cancellationToken);
    }
}
