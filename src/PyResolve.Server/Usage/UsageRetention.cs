using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Usage;

/// <summary>Deletes old events in small batches with pauses, on one instance at a time. Their sums stay in the rollups.</summary>
internal sealed partial class UsageRetention(Database database, ServerOptions options, TimeProvider time, ILogger<UsageRetention> logger)
    : RepeatedWork(Interval, time)
{
    private const int MonthsPerQuery = 500;
    private const int BatchSize = 1_000;

    private static readonly TimeSpan LeaseTime = TimeSpan.FromMinutes(5);

    private readonly StoreLease _lease =
        new(database, "usage_retention", $"true", LeaseTime, time) { Columns = ("claimed_by", "claimed_until") };
    private string _deletedBefore = "";

    public static TimeSpan Interval { get; } = TimeSpan.FromHours(6);

    /// <summary>The pause between two batches, so that requests can write.</summary>
    public static TimeSpan Pause { get; } = TimeSpan.FromMilliseconds(100);

    protected override void Failed(Exception exception) => Log.DeletionFailed(logger, exception);

    protected override Task WorkAsync(CancellationToken cancellationToken) => DeleteOldAsync(cancellationToken);

    /// <summary>Waits while another instance has the lease.</summary>
    public async Task DeleteOldAsync(CancellationToken cancellationToken)
    {
        if (await FindCurrentMonthAsync(Time.GetInstant(), cancellationToken) is not { } month)
            return;
        var oldestKept = month.AddMonths(-options.UsageRetentionMonths!.Value).ToMonth();
        // A late event for a deleted month (a late commit) is deleted with the next month.
        if (string.CompareOrdinal(_deletedBefore, oldestKept) >= 0)
            return;
        // The instance that has the lease may have died.
        while (!await TryLeaseAsync(oldestKept, cancellationToken))
            await Task.Delay(LeaseTime, Time, cancellationToken);

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

    /// <summary>
    /// Finds the current month: that of the clock, but never later than the newest month with events that have been stored for a day. A
    /// clock that is wrong for an hour must not delete the ledger.
    /// </summary>
    private async Task<DateTimeOffset?> FindCurrentMonthAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var ofClock = now.ToMonth();
        var months = await database.ListAsync(
            $"select distinct month from usage_monthly order by month desc", static row => row.Text(0), cancellationToken);
        foreach (var month in months)
        {
            if (!await HasSettledEventsAsync(month, now - SettledTime.SettlingTime, cancellationToken))
                continue;
            if (string.CompareOrdinal(month, ofClock) < 0)
                Log.ClockIsAhead(logger, ofClock, month);
            return Instants.StartOfMonth(string.CompareOrdinal(month, ofClock) < 0 ? month : ofClock);
        }

        return null;
    }

    private async Task<bool> HasSettledEventsAsync(string month, DateTimeOffset storedBefore, CancellationToken cancellationToken) =>
        await database.ReadAsync(
            session => session.NumberAsync(
                $"""
                select {1}
                from usage_monthly m
                join usage_events e on e.user_id = m.user_id and e.month = m.month and e.created_at < {storedBefore}
                where m.month = {month}
                limit 1
                """,
                cancellationToken),
            cancellationToken) is not null;

    /// <summary>Records up to which month events will be deleted, before anything is deleted.</summary>
    private async Task<bool> TryLeaseAsync(string oldestKept, CancellationToken cancellationToken) => await database.ExecuteAsync(
        $"""
        update usage_retention
        set {_lease.Take}, deleted_before = case when deleted_before > {oldestKept} then deleted_before else {oldestKept} end
        where {_lease.IsFree}
        """,
        cancellationToken) == 1;

    // Reads the rollups, because a scan of the ledger would be slow. Every account and month with events has one.
    private Task<List<AccountMonth>> ListAsync(AccountMonth after, string before, CancellationToken cancellationToken) =>
        database.ListAsync(
        $"""
        select user_id, month
        from usage_monthly
        where (user_id, month) > ({after.UserId}, {after.Month}) and month < {before}
        order by user_id, month
        limit {MonthsPerQuery}
        """,
        static row => new AccountMonth(row.Uuid(0), row.Text(1)),
        cancellationToken);

    private Task<int> DeleteAsync(List<AccountMonth> months, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            var deleted = new List<(Guid UserId, Guid Id)>();
            foreach (var delete in session.ByAccount(months, static month => month.UserId, Delete))
            {
                deleted.AddRange(
                    await session.ListAsync(delete, static row => (row.Uuid(0), row.Uuid(1)), cancellationToken));
                if (deleted.Count >= BatchSize)
                    break;
            }

            await DeleteReportsAsync(session, deleted, cancellationToken);
            return Math.Min(deleted.Count, BatchSize);

            Sql Delete(IReadOnlyList<AccountMonth> some, OneAccount account) =>
                $"""
                delete from usage_events
                where (user_id, id) in (
                    select e.user_id, e.id
                    from {session.Rows("old", some).With("user_id", month => month.UserId).With("month", month => month.Month)}
                    join usage_events e on e.user_id = old.user_id and e.month = old.month{account.And("e.user_id")}
                    limit {BatchSize}){account.And("user_id")}
                returning user_id, id
                """;
        },
        cancellationToken);

    /// <summary>
    /// Deletes the meter reports of deleted events. Their ids are free again: overage of a later event with such an id is to be reported as
    /// well.
    /// </summary>
    private static async Task DeleteReportsAsync(
        Session session, List<(Guid UserId, Guid Id)> events, CancellationToken cancellationToken)
    {
        if (events.Count == 0)
            return;
        foreach (var delete in session.Engine.InParts<(Guid UserId, Guid Id)>(
            events,
            some =>
                $"""
                delete from meter_events
                where sent_at is not null and (user_id, event_id) in (
                    select d.user_id, d.id
                    from {session.Rows("d", some)
                        .With("user_id", static deleted => deleted.UserId)
                        .With("id", static deleted => deleted.Id)})
                """))
            await session.ExecuteAsync(delete, cancellationToken);
    }

    private readonly record struct AccountMonth(Guid UserId, string Month);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Deleted {Count} usage events of months before {Month}")]
        public static partial void Deleted(ILogger logger, long count, string month);

        [LoggerMessage(3, LogLevel.Information,
            "The clock says {Month}, but the newest events that were stored a day ago are of {Newest}: retention counts from there")]
        public static partial void ClockIsAhead(ILogger logger, string month, string newest);

        [LoggerMessage(2, LogLevel.Warning, "Old usage events were not all deleted; trying again later")]
        public static partial void DeletionFailed(ILogger logger, Exception exception);
    }
}
