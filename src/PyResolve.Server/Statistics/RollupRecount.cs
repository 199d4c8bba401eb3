using PyResolve.Server.Audit;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Statistics;

/// <summary>What to recount.</summary>
/// <param name="UserId">One account; <see langword="null"/>: every one.</param>
/// <param name="Month">One month; <see langword="null"/>: every one.</param>
/// <param name="Repair">Whether to set what differs right.</param>
internal sealed record RecountScope(Guid? UserId, string? Month, bool Repair);

/// <summary>How much was recounted.</summary>
internal sealed record RecountResult(long Accounts, long Months, long Events, long Differences);

/// <summary>
/// Adds the ledger up anew and compares the rollups, one account and month a time, beside running servers. The database does the adding; what
/// this process holds does not grow with the events.
/// </summary>
/// <remarks>
/// Neither comparing nor repairing stops anybody: whoever stores an event moves its rollups in the same transaction, so that within one
/// statement, which sees one moment, they must agree. What they differ by at that moment, they differ by until it is repaired: it is added to
/// what is there by then, and a row is locked no longer than that takes.
/// </remarks>
internal sealed class RollupRecount(Database database, AuditLog audit)
{
    /// <summary>An arbitrary number that is ours.</summary>
    private const long RepairLock = 0x5079_5265_636F_756E;

    private const int Attempts = 5;

    /// <param name="scope">What to recount.</param>
    /// <param name="report">Told of each difference as it is found, before it is repaired.</param>
    /// <param name="cancellationToken">Stops between two months, or within one that is then as it was.</param>
    public async Task<RecountResult> RunAsync(RecountScope scope, Action<RollupDifference> report, CancellationToken cancellationToken)
    {
        var total = new RecountResult(0, 0, 0, 0);
        for (var userId = scope.UserId ?? await NextAccountAsync(Guid.Empty, cancellationToken); userId is { } account;)
        {
            foreach (var month in await MonthsOfAsync(account, scope.Month, cancellationToken))
            {
                var slice = new RollupSlice(account, month);
                var (events, differences) = await CompareAsync(slice, report, cancellationToken);
                if (differences > 0 && scope.Repair)
                    await RepairAsync(slice, cancellationToken);
                total = total with { Months = total.Months + 1, Events = total.Events + events, Differences = total.Differences + differences };
            }

            total = total with { Accounts = total.Accounts + 1 };
            userId = scope.UserId is null ? await NextAccountAsync(account, cancellationToken) : null;
        }

        return total;
    }

    /// <summary>The account after <paramref name="account"/> that has anything to count: a step along five indexes, not a list of them all.</summary>
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
                select * from (select user_id from reservations where user_id > {account} order by user_id limit 1) r) accounts
            order by user_id
            limit 1
            """,
            static row => new { UserId = row.Uuid(0) },
            cancellationToken);
        return next?.UserId;
    }

    private Task<List<string>> MonthsOfAsync(Guid account, string? month, CancellationToken cancellationToken) => ReadAsync(
        session => session.ListAsync(
            $"""
            select month
            from (
                select distinct month from usage_events where user_id = {account}
                union
                select month from usage_monthly where user_id = {account}
                union
                select month from usage_daily where user_id = {account}
                union
                select month from usage_libraries where user_id = {account}
                union
                select month from reservations where user_id = {account} and state = 'held') months
            where ({month is null} or month = {month})
              and not exists (select 1 from usage_retention where deleted_before > months.month)
            order by month
            """,
            static row => row.Text(0),
            cancellationToken),
        cancellationToken);

    private Task<(long Events, long Differences)> CompareAsync(RollupSlice slice, Action<RollupDifference> report, CancellationToken cancellationToken) => ReadAsync(
        async session =>
        {
            var differences = 0L;
            var events = await slice.CompareAsync(session, Count, cancellationToken);
            return (events, differences);

            void Count(RollupDifference difference)
            {
                differences++;
                report(difference);
            }
        },
        cancellationToken);

    private async Task RepairAsync(RollupSlice slice, CancellationToken cancellationToken)
    {
        await AloneAsync(session => slice.RepairMonthAsync(session, cancellationToken), cancellationToken);
        await AloneAsync(session => slice.RepairDaysAsync(session, cancellationToken), cancellationToken);
        await AloneAsync(
            async session =>
            {
                await slice.RepairLibrariesAsync(session, cancellationToken);
                await audit.WriteAsync(session, slice.UserId, Origin.Operator, AuditActions.UsageRecomputed, slice.Month, cancellationToken);
            },
            cancellationToken);
    }

    /// <summary>Beside any number of servers, but beside no other recount: both would add the same difference.</summary>
    private async Task AloneAsync(Func<Session, Task> work, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await database.WriteAsync(
                    async session =>
                    {
                        session.TimeLimit = TimeSpan.Zero;
                        await session.Engine.LockAsync(session, RepairLock, cancellationToken);
                        await work(session);
                    },
                    cancellationToken);
                return;
            }
            catch (StoreUnavailableException) when (attempt < Attempts)
            {
                // A busy SQLite has kept it waiting already: once more.
            }
        }
    }

    private Task<T> ReadAsync<T>(Func<Session, Task<T>> work, CancellationToken cancellationToken) => database.ReadAsync(
        session =>
        {
            session.TimeLimit = TimeSpan.Zero;
            return work(session);
        },
        cancellationToken);
}
