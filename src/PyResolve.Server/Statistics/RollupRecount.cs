using PyResolve.Server.Audit;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Statistics;

/// <summary>The rollups that are recounted; null: all accounts, all months.</summary>
internal sealed record RecountScope(Guid? UserId, string? Month, bool Repair)
{
    public Origin By { get; init; } = Origin.Operator;
}

internal sealed record RecountResult(long Accounts, long Months, long Events, long Differences);

/// <summary>
/// Compares the rollups with sums over the ledger, one account and month at a time, while servers run. Events and their rollups are written
/// in one transaction, so they must agree within one statement, which sees one snapshot. A difference found there stays until it is
/// repaired. The repair adds it to the current value, and locks a row only for that statement.
/// </summary>
internal sealed class RollupRecount(Database database, AuditLog audit)
{
    // Any number that no other lock uses.
    private const long RepairLock = 0x5079_5265_636F_756E;

    private const int Attempts = 5;

    /// <param name="scope">What is counted.</param>
    /// <param name="report">Called for each difference, before it is repaired.</param>
    /// <param name="progress">Called after each account with what is counted so far.</param>
    /// <param name="cancellationToken">Leaves the rest as it is.</param>
    public async Task<RecountResult> RunAsync(
        RecountScope scope, Action<RollupDifference> report, Action<RecountResult> progress, CancellationToken cancellationToken)
    {
        var total = new RecountResult(0, 0, 0, 0);
        for (var userId = scope.UserId ?? await NextAccountAsync(Guid.Empty, cancellationToken); userId is { } account;)
        {
            foreach (var month in await MonthsOfAsync(account, scope.Month, cancellationToken))
            {
                var slice = new RollupSlice(account, month);
                var (events, differences) = await CompareAsync(slice, report, cancellationToken);
                if (differences > 0 && scope.Repair)
                    await RepairAsync(slice, scope.By, cancellationToken);
                total = total with
                {
                    Months = total.Months + 1,
                    Events = total.Events + events,
                    Differences = total.Differences + differences,
                };
            }

            total = total with { Accounts = total.Accounts + 1 };
            progress(total);
            userId = scope.UserId is null ? await NextAccountAsync(account, cancellationToken) : null;
        }

        return total;
    }

    /// <summary>Finds the next account by index lookups instead of loading all accounts.</summary>
    private async Task<Guid?> NextAccountAsync(Guid account, CancellationToken cancellationToken)
    {
        var next = await database.FirstAsync(
            $"""
            select user_id
            from (
                select * from (select user_id from usage_events where user_id > {account} order by user_id limit 1) e
                union all
                select * from (select user_id from usage_monthly where user_id > {account} order by user_id limit 1) m
                union all
                select * from (select user_id from usage_daily where user_id > {account} order by user_id limit 1) d
                union all
                select * from (select user_id from usage_libraries where user_id > {account} order by user_id limit 1) l
                union all
                select * from (select user_id from usage_keys where user_id > {account} order by user_id limit 1) k
                union all
                select * from (select user_id from usage_key_days where user_id > {account} order by user_id limit 1) kd
                union all
                select * from (select user_id from reservations where user_id > {account} order by user_id limit 1) r) accounts
            order by user_id
            limit 1
            """,
            static row => new { UserId = row.Uuid(0) },
            cancellationToken);
        return next?.UserId;
    }

    private Task<List<string>> MonthsOfAsync(Guid account, string? month, CancellationToken cancellationToken) => ReadAsync(
        async session =>
        {
            var months = await session.ListAsync(
                $"""
                select months.month
                from (
                    select distinct month from usage_events where user_id = {account}
                    union
                    select month from usage_monthly where user_id = {account}
                    union
                    select month from usage_daily where user_id = {account}
                    union
                    select month from usage_libraries where user_id = {account}
                    union
                    select month from usage_keys where user_id = {account}
                    union
                    select month from usage_key_days where user_id = {account}
                    union
                    select month from reservations where user_id = {account} and state = 'held') months
                where ({month is null} or months.month = {month}) {OnlyKept(session)}
                order by months.month
                """,
                static row => row.Text(0),
                cancellationToken);
            var kept = new List<string>(months.Count);
            foreach (var one in months)
            {
                if (!await new RollupSlice(account, one).IsGoneAsync(session, cancellationToken))
                    kept.Add(one);
            }

            return kept;
        },
        cancellationToken);

    private Task<(long Events, long Differences)> CompareAsync(
        RollupSlice slice, Action<RollupDifference> report, CancellationToken cancellationToken) => ReadAsync(
        async session =>
        {
            var found = new List<RollupDifference>();
            var events = await slice.CompareAsync(session, found.Add, cancellationToken);
            if (await slice.IsGoneAsync(session, cancellationToken))
                return (0L, 0L);
            found.ForEach(report);
            return (events, (long)found.Count);
        },
        cancellationToken);

    private static SqlFragment OnlyKept(Session session) => new(session.Engine.IsDistributed
        ? null
        : "and not exists (select 1 from usage_retention where deleted_before > months.month)");

    private async Task RepairAsync(RollupSlice slice, Origin by, CancellationToken cancellationToken)
    {
        await WriteExclusivelyAsync(slice, session => slice.RepairMonthAsync(session, cancellationToken), cancellationToken);
        await WriteExclusivelyAsync(slice, session => slice.RepairDaysAsync(session, cancellationToken), cancellationToken);
        await WriteExclusivelyAsync(slice, session => slice.RepairLibrariesAsync(session, cancellationToken), cancellationToken);
        await WriteExclusivelyAsync(
            slice,
            async session =>
            {
                await slice.RepairKeysAsync(session, cancellationToken);
                await audit.WriteAsync(
                    session, slice.UserId, by, AuditActions.UsageRecomputed, slice.Month, cancellationToken);
            },
            cancellationToken);
    }

    /// <summary>Excludes other recounts, but not servers: two recounts would both add the same difference.</summary>
    private async Task WriteExclusivelyAsync(RollupSlice slice, Func<Session, Task> work, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await database.WriteAsync(
                    async session =>
                    {
                        await session.LiftTimeLimitsAsync(cancellationToken);
                        await session.Engine.LockAsync(session, RepairLock, cancellationToken);
                        await work(session);
                        if (await slice.IsGoneAsync(session, cancellationToken))
                            throw new MonthGoneException();
                    },
                    cancellationToken);
                return;
            }
            catch (MonthGoneException)
            {
                // Retention deletes this month: its rollups stay as they were.
                return;
            }
            catch (StoreUnavailableException) when (attempt < Attempts)
            {
                // SQLite was busy, and has waited already.
            }
        }
    }

    private sealed class MonthGoneException : Exception;

    private Task<T> ReadAsync<T>(Func<Session, Task<T>> work, CancellationToken cancellationToken) => database.ReadAsync(
        session =>
        {
            session.TimeLimit = TimeSpan.Zero;
            return work(session);
        },
        cancellationToken);
}
