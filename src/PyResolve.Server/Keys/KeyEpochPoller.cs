using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Keys;

/// <summary>
/// Asks the store every 250 ms which accounts' keys have changed, and removes those keys from memory. While the store does not answer,
/// nothing is confirmed, and after a second no key is taken from memory. Also trims the change log.
/// </summary>
internal sealed partial class KeyEpochPoller(Database database, VerifiedKeyCache keys, ILogger<KeyEpochPoller> logger)
    // Revocation is promised in real seconds, also where tests give the server another clock.
    : RepeatedWork(Interval, TimeProvider.System)
{
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    private const int MaxChanges = 1_000;
    private const long KeptEpochs = 100_000;
    private const int PollsBetweenTrims = 4 * 60 * 10;

    private readonly TaskCompletionSource _confirmed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _polls;

    /// <summary>Completes with the first answer of the store; until then no key can be kept in memory.</summary>
    public Task Confirmed => _confirmed.Task;

    protected override void Failed(Exception exception) => Log.Lost(logger, exception.Message);

    protected override void Recovered() => Log.Recovered(logger);

    protected override async Task WorkAsync(CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(VerifiedKeyCache.MaxConfirmationAge);
        await PollAsync(deadline.Token);
        if (++_polls % PollsBetweenTrims == 0)
            await database.ExecuteAsync($"delete from key_changes where epoch < {keys.Epoch - KeptEpochs}", cancellationToken);
    }

    /// <summary>Reads the epoch and the changes up to it, in one snapshot.</summary>
    public async Task PollAsync(CancellationToken cancellationToken)
    {
        var askedAt = Time.GetTimestamp();
        var since = keys.Epoch;
        var changes = await database.ListAsync(
            $"""
            select e.epoch, c.epoch, c.user_id
            from key_epoch e
            left join key_changes c on c.epoch > {since}
            order by c.epoch
            limit {MaxChanges}
            """,
            static row => new { Epoch = row.Int64(0), Change = row.Int64OrNull(1), UserId = row.UuidOrNull(2) },
            cancellationToken);

        var epoch = changes[0].Epoch;
        var logged = changes.Where(change => change.Change is not null).ToList();
        // Each epoch has one row. Fewer: the log was trimmed, or there were too many. A row without an account: all keys changed.
        var isComplete = since >= 0 && logged.Count == epoch - since && logged.TrueForAll(change => change.UserId is not null);
        keys.Confirm(epoch, isComplete ? logged.Select(change => change.UserId!.Value).ToHashSet() : null, askedAt);
        _confirmed.TrySetResult();
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The store does not answer; remembered API keys are not used until it does: {Cause}")]
        public static partial void Lost(ILogger logger, string cause);

        [LoggerMessage(2, LogLevel.Information, "The store answers again; remembered API keys are used")]
        public static partial void Recovered(ILogger logger);
    }
}
