using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Usage;

/// <summary>
/// Deletes the events of months that are older than the operator keeps, in small batches with pauses, on one instance at a time. What they
/// added up to stays in the rollups.
/// </summary>
internal sealed partial class UsageRetention(Database database, ServerOptions options, TimeProvider time, ILogger<UsageRetention> logger)
    : RepeatedWork(Interval, time)
{
    private const int MonthsAtOnce = 500;
    private const int BatchSize = 1_000;

    private static readonly TimeSpan LeaseTime = TimeSpan.FromMinutes(5);

    private readonly StoreLease _lease = new(database, "usage_retention", $"true", LeaseTime, time) { Columns = ("claimed_by", "claimed_until") };
    private string _deletedBefore = "";

    public static TimeSpan Interval { get; } = TimeSpan.FromHours(6);

    /// <summary>Between two batches: what requests write goes before what is thrown away.</summary>
    public static TimeSpan Pause { get; } = TimeSpan.FromMilliseconds(100);

    protected override void Failed(Exception exception) => Log.PutOff(logger, exception);

    protected override async Task WorkAsync(CancellationToken cancellationToken)
    {
        var now = Time.GetInstant();
        var oldestKept = now.StartOfNextMonth().AddMonths(-1 - options.UsageRetentionMonths!.Value).ToMonth();
        // What comes late for a month that is gone (a hold that is committed after all) goes when the next month does.
        if (string.CompareOrdinal(_deletedBefore, oldestKept) >= 0 || !await TryLeaseAsync(oldestKept, cancellationToken))
            return;

        var deleted = 0L;
        var last = new AccountMonth(Guid.Empty, "");
        while (await ListAsync(last, oldestKept, cancellationToken) is { Count: > 0 } months)
        {
            int batch;
            do
            {
                if (!await TryLeaseAsync(oldestKept, cancellationToken))
                    return;
                batch = await DeleteAsync(months, cancellationToken);
                deleted += batch;
                if (batch > 0)
                    await Task.Delay(Pause, Time, cancellationToken);
            }
            while (batch == BatchSize);
            last = months[^1];
        }

        _deletedBefore = oldestKept;
        if (deleted > 0)
            Log.Deleted(logger, deleted, oldestKept);
    }

    /// <summary>Takes or renews the right to delete, and says how far: before anything is gone.</summary>
    private async Task<bool> TryLeaseAsync(string oldestKept, CancellationToken cancellationToken) => await database.ExecuteAsync(
        $"""
        update usage_retention
        set {_lease.Take}, deleted_before = case when deleted_before > {oldestKept} then deleted_before else {oldestKept} end
        where {_lease.IsFree}
        """,
        cancellationToken) == 1;

    /// <summary>Every account and month that has events has a rollup: this spares a scan of the ledger.</summary>
    private Task<List<AccountMonth>> ListAsync(AccountMonth after, string before, CancellationToken cancellationToken) => database.ListAsync(
        $"""
        select user_id, month
        from usage_monthly
        where (user_id, month) > ({after.UserId}, {after.Month}) and month < {before}
        order by user_id, month
        limit {MonthsAtOnce}
        """,
        static row => new AccountMonth(row.Uuid(0), row.Text(1)),
        cancellationToken);

    private Task<int> DeleteAsync(List<AccountMonth> months, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            var old = session.Rows("old", months).With("user_id", month => month.UserId).With("month", month => month.Month);
            return session.ExecuteAsync(
                $"""
                delete from usage_events
                where (user_id, id) in (
                    select e.user_id, e.id
                    from {old}
                    join usage_events e on e.user_id = old.user_id and e.month = old.month
                    limit {BatchSize})
                """,
                cancellationToken);
        },
        cancellationToken);

    private readonly record struct AccountMonth(Guid UserId, string Month);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Deleted {Count} usage events of months before {Month}")]
        public static partial void Deleted(ILogger logger, long count, string month);

        [LoggerMessage(2, LogLevel.Warning, "Old usage events were not all deleted; trying again later")]
        public static partial void PutOff(ILogger logger, Exception exception);
    }
}
