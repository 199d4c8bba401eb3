namespace PyResolve.Server.Storage;

/// <summary>
/// Remembers when the store may have lost its last changes: by a failover to a standby that lagged, or by a restore. Noticed on PostgreSQL,
/// and of the command <c>restore</c>; not of an embedded database whose file is exchanged.
/// </summary>
internal sealed partial class StoreHistory(Database database, TimeProvider time, ILogger<StoreHistory> logger)
{
    /// <summary>The schema version that has it.</summary>
    public const int Schema = 27;

    private static readonly TimeSpan NoLoss = TimeSpan.Zero;

    /// <summary>For how long before a loss changes may be lost: as long as a reservation can live and then be settled.</summary>
    private static readonly TimeSpan Reach = TimeSpan.FromDays(42);

    // What this server saw, which the store may have lost as well.
    private volatile string? _seen;

    /// <summary>Compares the store with what was seen last, and notes a loss where another one answers.</summary>
    public async Task CompareAsync(CancellationToken cancellationToken)
    {
        var engine = database.Engine;
        // Without a lock first: that is all that most calls need.
        var (lineage, seen) = await database.ReadAsync(
            async session => (
                await engine.ReadLineageAsync(session, cancellationToken),
                await session.FirstAsync($"select lineage from store_history", static row => row.Text(0), cancellationToken)),
            cancellationToken);
        if (lineage is null)
            return;
        if (lineage == seen)
        {
            _seen = lineage;
            return;
        }

        var isAnother = await database.WriteAsync(
            async session =>
            {
                var known = await session.FirstAsync(
                    $"select lineage from store_history {engine.ForUpdate}", static row => row.Text(0), cancellationToken);
                if (known == lineage)
                    return false;
                await session.ExecuteAsync($"update store_history set lineage = {lineage}", cancellationToken);
                if (string.IsNullOrEmpty(known) && (_seen is null || _seen == lineage))
                    return false;
                await session.ExecuteAsync(Note(), cancellationToken);
                return true;
            },
            cancellationToken);
        _seen = lineage;
        if (isAnother)
            Log.Noticed(logger);
    }

    /// <summary>Asked for ids that a transaction did not find.</summary>
    /// <returns>Whether the store may have lost one. It does not matter which request noted the loss.</returns>
    public async Task<bool> MayHaveLostAsync(IEnumerable<Guid> ids, CancellationToken cancellationToken)
    {
        await CompareAsync(cancellationToken);
        var mayBeLost = await database.ReadAsync(session => ReadAsync(session, cancellationToken), cancellationToken);
        return ids.Any(mayBeLost);
    }

    public Task NoteLossAsync(CancellationToken cancellationToken) => database.ExecuteAsync(Note(), cancellationToken);

    /// <returns>Whether an id that the store does not have may be one that it had.</returns>
    public static async Task<Func<Guid, bool>> ReadAsync(Session session, CancellationToken cancellationToken)
    {
        var losses = await session.ListAsync($"select noticed_at from store_losses", static row => row.Instant(0), cancellationToken);
        return id => Ids.CreatedAt(id) is { } created && losses.Exists(loss => loss - created > NoLoss && loss - created < Reach);
    }

    public Sql Note() => $"insert into store_losses (noticed_at) values ({time.GetInstant()}) on conflict do nothing";

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The database failed over or was restored: its last changes may be lost. Usage of reservations "
            + "that it does not have is recorded as late")]
        public static partial void Noticed(ILogger logger);
    }
}
