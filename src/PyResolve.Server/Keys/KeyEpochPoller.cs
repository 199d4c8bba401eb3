using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Keys;

/// <summary>
/// Asks the store every 250 ms which accounts' keys have changed, and removes those keys from memory. While the store does not answer,
/// or does not accept writes, as a standby, nothing is confirmed, and after a second no key is taken from memory. Also trims the change
/// log.
/// </summary>
internal sealed partial class KeyEpochPoller(
    Database database, VerifiedKeyCache keys, StoreHistory history, ILogger<KeyEpochPoller> logger)
    // Revocation is promised in real seconds, also where tests give the server another clock.
    : RepeatedWork(Interval, TimeProvider.System)
{
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    private const int MaxChanges = 1_000;
    private const long KeptEpochs = 100_000;
    private const int PollsBetweenTrims = 4 * 60 * 10;
    private const int PollsBetweenTries = 4 * 10;

    private readonly TaskCompletionSource _confirmed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _polls;

    // Of the last answer. Not synchronized: one poll runs at a time.
    private string _store = "";
    private string _stamp = "";
    private bool _shouldCompare;

    // Beside the poll: where a synchronous standby is missing, a write waits for long, and keys would not be confirmed.
    private Task? _maintenance;
    private bool _isMaintenanceBehind;
    private bool _isTrimming;
    private bool _mustRetryTrim;

    /// <summary>Completes with the first answer of the store; until then no key can be kept in memory.</summary>
    public Task Confirmed => _confirmed.Task;

    protected override void Failed(Exception exception) => Log.Lost(logger, exception.Message);

    protected override void Recovered() => Log.Recovered(logger);

    protected override async Task WorkAsync(CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(VerifiedKeyCache.MaxConfirmationAge);
        var poll = PollAsync(deadline.Token);
        // Where a host hangs, the driver takes longer to give up.
        if (await Task.WhenAny(poll, Task.Delay(VerifiedKeyCache.MaxConfirmationAge, Time, cancellationToken)) != poll)
            database.Engine.AfterFailure(new TimeoutException());
        await poll;
        _polls++;
        StartMaintenance(cancellationToken);
    }

    private void StartMaintenance(CancellationToken cancellationToken)
    {
        if (_maintenance is { IsCompleted: false })
            return;
        if (_maintenance?.Exception?.InnerException is { } failure)
        {
            // The keys are confirmed all the same.
            if (!_isMaintenanceBehind)
                Log.MaintenanceFailed(logger, failure.Message);
            (_isMaintenanceBehind, _shouldCompare) = (true, true);
            if (_isTrimming)
                (_mustRetryTrim, _polls) = (true, PollsBetweenTrims - PollsBetweenTries);
        }
        else if (_maintenance is not null)
        {
            _mustRetryTrim &= !_isTrimming;
            _isMaintenanceBehind = _mustRetryTrim;
        }

        _maintenance = null;
        _isTrimming = _polls >= PollsBetweenTrims;
        if (!_shouldCompare && !_isTrimming)
            return;
        _maintenance = MaintainAsync(_shouldCompare, _isTrimming, cancellationToken);
        _shouldCompare = false;
        if (_isTrimming)
            _polls = 0;
    }

    private async Task MaintainAsync(bool compare, bool trim, CancellationToken cancellationToken)
    {
        if (compare)
            await history.CompareAsync(cancellationToken);
        if (trim)
            await database.ExecuteAsync($"delete from key_changes where epoch < {keys.Epoch - KeptEpochs}", cancellationToken);
    }

    /// <summary>
    /// Reads the epoch and the changes up to it, in one snapshot. A failover or a restore may take back changes, and later ones repeat
    /// their numbers: so what was seen last must still be there, with its stamp, in the same database.
    /// </summary>
    public async Task PollAsync(CancellationToken cancellationToken)
    {
        var askedAt = Time.GetTimestamp();
        var since = keys.Epoch;
        var (identity, read) = database.Engine.Identify();
        string? store = null;
        var lines = await database.ListAsync(
            $"""
            select e.epoch, e.stamp, c.epoch, c.user_id, c.stamp, {identity}
            from key_epoch e
            left join key_changes c on c.epoch >= {since}
            order by c.epoch
            limit {MaxChanges}
            """,
            row =>
            {
                store ??= read(row, 5);
                return new EpochLine(row.Int64(0), row.Text(1), row.Int64OrNull(2), row.UuidOrNull(3), row.TextOrNull(4));
            },
            cancellationToken);

        var (epoch, stamp) = (lines[0].Epoch, lines[0].Stamp);
        var changes = lines.Where(line => line.Change > since).ToList();
        var isSameTimeline = store == _store && (epoch == since
            ? stamp == _stamp
            : lines.Exists(line => line.Change == since && line.ChangeStamp == _stamp));
        // Each epoch has one line. Fewer: the log was trimmed, or there were too many. A line without an account: all keys changed.
        var isComplete = since >= 0 && isSameTimeline && changes.Count == epoch - since
            && changes.TrueForAll(line => line.UserId is not null);
        keys.Confirm(epoch, isComplete ? changes.Select(line => line.UserId!.Value).ToHashSet() : null, askedAt);
        _shouldCompare |= store != _store;
        (_store, _stamp) = (store ?? "", stamp);
        _confirmed.TrySetResult();
    }

    private sealed record EpochLine(long Epoch, string Stamp, long? Change, Guid? UserId, string? ChangeStamp);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The store does not answer; cached API keys are ignored until it does: {Cause}")]
        public static partial void Lost(ILogger logger, string cause);

        [LoggerMessage(2, LogLevel.Information, "The store answers again; cached API keys are used")]
        public static partial void Recovered(ILogger logger);

        [LoggerMessage(3, LogLevel.Warning,
            "The log of key changes was not trimmed, or the store not compared with the one before; it is tried again: {Cause}")]
        public static partial void MaintenanceFailed(ILogger logger, string cause);
    }
}
