using PyResolve.Server.Storage;

namespace PyResolve.Server.Audit;

/// <summary>Deletes the oldest months of the log: the database allows it only for entries from before the mark that is set first.</summary>
internal sealed class AuditRetention(Database database, AuditLog audit, TimeProvider time)
{
    public const int MonthsKept = 3;

    private const int BatchSize = 1_000;

    /// <returns>The latest instant before which entries may be deleted; null where no entry is a day old.</returns>
    public async Task<DateTimeOffset?> FindLatestAsync(CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        if (await SettledTime.FindAsync(database, "audit_log", "at", "at", now, cancellationToken) is not { } settled)
            return null;
        return settled.StartOfMonth().AddMonths(-MonthsKept);
    }

    /// <summary>Deletes entries. The entry that reports it belongs to no account.</summary>
    /// <returns>The number of deleted entries.</returns>
    public async Task<long> DeleteAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        await database.WriteAsync(
            async session =>
            {
                await session.ExecuteAsync(
                    $"""
                    update audit_retention
                    set deleted_before = case when deleted_before > {before} then deleted_before else {before} end
                    """,
                    cancellationToken);
                await audit.WriteAsync(
                    session, Guid.Empty, Origin.Operator, AuditActions.LogDeleted, $"before {before.ToMonth()}", cancellationToken);
            },
            cancellationToken);
        var (deleted, batch) = (0L, BatchSize);
        while (batch == BatchSize)
        {
            batch = await database.ExecuteAsync(
                $"""
                delete from audit_log
                where (user_id, id) in (select user_id, id from audit_log where at < {before} order by at limit {BatchSize})
                """,
                cancellationToken);
            deleted += batch;
        }

        return deleted;
    }
}
