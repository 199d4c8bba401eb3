using System.Data.Common;
using PyResolve.Client.Wire;
using PyResolve.Server.Alerts;
using PyResolve.Server.Ledger;
using PyResolve.Server.Storage;
using PyResolve.Server.Telemetry;

namespace PyResolve.Server.Usage;

/// <summary>Records events exactly once by id, also past the plan's limit, because the usage has happened. Thread-safe.</summary>
internal sealed partial class UsageLedger : IAsyncDisposable
{
    /// <summary>The limits of the queue and of a group. One account may use a quarter of the queue: sixteen full batches.</summary>
    private static readonly GroupLimits Limits = new(QueueItems: 65_536, QueueBytes: 128 << 20, GroupItems: 4_096, GroupBytes: 16 << 20);

    /// <summary>
    /// The number of groups for which stored ids are looked up before the insert after an event that was retried: more are likely.
    /// </summary>
    private const int GroupsAfterRetry = 100;

    private readonly Database _database;
    private readonly UsageAlerts _alerts;
    private readonly ServerMetrics _metrics;
    private readonly StoreHistory _history;
    private readonly TimeProvider _time;
    private readonly ILogger<UsageLedger> _logger;
    private readonly GroupCommit<PendingUsageEvent, RecordOutcome> _commit;

    // More than one flush at a time may count it down: a few less are looked up then.
    private int _groupsToLookUp;

    public UsageLedger(
        Database database, UsageAlerts alerts, ServerMetrics metrics, StoreHistory history, TimeProvider time, ILogger<UsageLedger> logger)
    {
        _database = database;
        _alerts = alerts;
        _metrics = metrics;
        _history = history;
        _time = time;
        _logger = logger;
        _commit = new GroupCommit<PendingUsageEvent, RecordOutcome>(
            Limits, FlushAsync, Reject, database.FindShardAsync, database.WriteTimeout);
    }

    /// <summary>Records an event that has passed <see cref="UsageRules"/>, and spends a unit of the reservation that it names.</summary>
    public async Task<RecordOutcome> RecordAsync(
        Guid userId, Guid? keyId, UsageEventRequest usage, CancellationToken cancellationToken) =>
        (await RecordAsync(userId, [UsageEvent.From(usage, keyId, _time.GetInstant())], cancellationToken))[0];

    /// <summary>Records events in one transaction, unless the database rejects one of them.</summary>
    public async Task<RecordOutcome[]> RecordAsync(Guid userId, UsageEvent[] events, CancellationToken cancellationToken)
    {
        var pending = Array.ConvertAll(events, usage => new PendingUsageEvent(userId, usage));
        var outcomes = await SubmitAsync(userId, pending, cancellationToken);
        if (outcomes.Contains(RecordOutcome.ReservationNotFound))
            await RepeatIfLostAsync(userId, pending, outcomes, cancellationToken);

        var (recorded, repeated) = (Count(outcomes, RecordOutcome.Recorded), Count(outcomes, RecordOutcome.Duplicate));
        _metrics.UsageSent(recorded, repeated, refused: outcomes.Length - recorded - repeated);
        return outcomes;
    }

    public ValueTask DisposeAsync() => _commit.DisposeAsync();

    /// <summary>Records what names a lost reservation: the first try did not know yet that it may be lost.</summary>
    private async Task RepeatIfLostAsync(
        Guid userId, PendingUsageEvent[] pending, RecordOutcome[] outcomes, CancellationToken cancellationToken)
    {
        int[] missing = [.. Enumerable.Range(0, pending.Length).Where(i => outcomes[i] is RecordOutcome.ReservationNotFound)];
        if (!await _history.MayHaveLostAsync(missing.Select(i => pending[i].Event.ReservationId!.Value), cancellationToken))
            return;
        var again = await SubmitAsync(userId, Array.ConvertAll(missing, i => pending[i]), cancellationToken);
        for (var i = 0; i < missing.Length; i++)
            outcomes[missing[i]] = again[i];
    }

    private Task<RecordOutcome[]> SubmitAsync(Guid userId, PendingUsageEvent[] pending, CancellationToken cancellationToken) =>
        _commit.SubmitAsync(userId, pending, pending.Sum(static one => one.Event.Size), cancellationToken);

    private static int Count(RecordOutcome[] outcomes, RecordOutcome outcome) => outcomes.AsSpan().Count(outcome);

    private async Task<IReadOnlyList<RecordOutcome>> FlushAsync(IReadOnlyList<PendingUsageEvent> events)
    {
        if (Volatile.Read(ref _groupsToLookUp) > 0)
        {
            Interlocked.Decrement(ref _groupsToLookUp);
            return await WriteAsync(events, presumesNew: false);
        }

        try
        {
            return await WriteAsync(events, presumesNew: true);
        }
        catch (DbException)
        {
            // Mostly an id that is stored already. Not each store reports it as such: what is wrong otherwise fails once more.
            Volatile.Write(ref _groupsToLookUp, GroupsAfterRetry);
            return await WriteAsync(events, presumesNew: false);
        }
    }

    // Not cancelled by a request that ends, because the group has events of other requests as well.
    private Task<IReadOnlyList<RecordOutcome>> WriteAsync(IReadOnlyList<PendingUsageEvent> events, bool presumesNew) =>
        _database.OfAccount(events[0].UserId).WriteAsync(
            session => LedgerWriter.RecordAsync(session, events, _alerts.Write, presumesNew, CancellationToken.None),
            CancellationToken.None);

    private RecordOutcome Reject(PendingUsageEvent pending, Exception exception)
    {
        _database.ThrowUnlessRefused(exception);
        Log.Rejected(_logger, pending.Event.Id, pending.UserId, exception.Message);
        return RecordOutcome.RejectedByStore;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "The database rejects usage event {Id} of account {UserId}, which passed every rule: {Cause}")]
        public static partial void Rejected(ILogger logger, Guid id, Guid userId, string cause);
    }
}
