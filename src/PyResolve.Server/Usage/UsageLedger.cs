using System.Data.Common;
using PyResolve.Client.Wire;
using PyResolve.Server.Ledger;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Usage;

/// <summary>
/// The ledger: an event is stored exactly once for its id, and the month's rollups move in the same transaction, which takes what other
/// requests send at the same moment with it. Usage that has happened is recorded even past the limit. Thread-safe.
/// </summary>
internal sealed partial class UsageLedger : IAsyncDisposable
{
    /// <summary>A quarter of it is one account's: sixteen whole batches.</summary>
    private static readonly GroupLimits Limits = new(QueueItems: 65_536, QueueBytes: 128 << 20, GroupItems: 4_096, GroupBytes: 16 << 20);

    /// <summary>Where one event was sent before, others are likely to be. For so many groups then, it is asked which.</summary>
    private const int GroupsAfterRepetition = 100;

    private readonly Database _database;
    private readonly TimeProvider _time;
    private readonly ILogger<UsageLedger> _logger;
    private readonly GroupCommit<Posting, RecordOutcome> _commit;

    /// <summary>The flushes' own, of which one runs at a time.</summary>
    private int _groupsToAsk;

    public UsageLedger(Database database, TimeProvider time, ILogger<UsageLedger> logger)
    {
        _database = database;
        _time = time;
        _logger = logger;
        _commit = new GroupCommit<Posting, RecordOutcome>(Limits, FlushAsync, Refuse);
    }

    /// <summary>Records an event that has passed <see cref="UsageRules"/>, and spends a unit of the hold that it names.</summary>
    /// <exception cref="OverloadedException">Too much waits to be written.</exception>
    public async Task<RecordOutcome> RecordAsync(Guid userId, UsageEventRequest usage, CancellationToken cancellationToken)
    {
        var record = UsageRecord.From(usage, _time.GetInstant());
        return (await RecordAsync(userId, [record], cancellationToken))[0];
    }

    /// <summary>The same with several, in their order: all in one transaction, unless the store refuses one of them.</summary>
    /// <exception cref="OverloadedException">Too much waits to be written.</exception>
    public Task<RecordOutcome[]> RecordAsync(Guid userId, UsageRecord[] records, CancellationToken cancellationToken) => _commit.SubmitAsync(
        userId, Array.ConvertAll(records, record => new Posting(userId, record)), records.Sum(record => record.Size), cancellationToken);

    public ValueTask DisposeAsync() => _commit.DisposeAsync();

    private async Task<IReadOnlyList<RecordOutcome>> FlushAsync(IReadOnlyList<Posting> postings)
    {
        if (_groupsToAsk > 0)
        {
            _groupsToAsk--;
            return await WriteAsync(postings, presumesNew: false);
        }

        try
        {
            return await WriteAsync(postings, presumesNew: true);
        }
        catch (DbException exception) when (_database.IsRefusal(exception))
        {
            _groupsToAsk = GroupsAfterRepetition;
            return await WriteAsync(postings, presumesNew: false);
        }
    }

    /// <remarks>No caller's leaving ends it: it is many callers'.</remarks>
    private Task<IReadOnlyList<RecordOutcome>> WriteAsync(IReadOnlyList<Posting> postings, bool presumesNew) => _database.WriteAsync(
        session => LedgerWriter.RecordAsync(session, postings, presumesNew, CancellationToken.None), CancellationToken.None);

    /// <summary>What passed the rules and is refused all the same is the sender's to mend; whatever else went wrong is not.</summary>
    private RecordOutcome Refuse(Posting posting, Exception exception)
    {
        _database.ThrowUnlessRefused(exception);
        Log.Refused(_logger, posting.Event.Id, posting.UserId, exception.Message);
        return RecordOutcome.Refused;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "The store refuses the usage event {Id} of account {UserId}, which passed every rule: {Cause}")]
        public static partial void Refused(ILogger logger, Guid id, Guid userId, string cause);
    }
}
