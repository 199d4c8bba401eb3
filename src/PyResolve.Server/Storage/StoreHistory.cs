namespace PyResolve.Server.Storage;

/// <summary>
/// Remembers when the store may have lost its last changes: by a failover to a standby that lagged, or by a restore. Noticed on PostgreSQL,
/// and of the command <c>restore</c>; not of an embedded database whose file is exchanged.
/// </summary>
internal sealed partial class StoreHistory(Database database, TimeProvider time, ILogger<StoreHistory> logger)
{
    /// <summary>How far the clock of a new primary may be behind that of the old one.</summary>
    private static readonly TimeSpan ClockDifference = TimeSpan.FromMinutes(1);

    /// <summary>How long before a loss a change may be lost: as long as a reservation can live and then be settled.</summary>
    private static readonly TimeSpan Reach = TimeSpan.FromDays(42);

    // What this server saw, which the store may have lost as well.
    private volatile string? _seen;
    private bool _isUnknown;

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
        if (string.IsNullOrEmpty(lineage))
        {
            if (lineage is null && !Interlocked.Exchange(ref _isUnknown, true))
                Log.Unknown(logger);
            return;
        }

        if (lineage == seen && !HasMoved())
        {
            _seen = lineage;
            return;
        }

        var isAnother = await database.WriteAsync(
            async session =>
            {
                var known = await session.FirstAsync(
                    $"select lineage from store_history {engine.ForUpdate}", static row => row.Text(0), cancellationToken);
                if (known != lineage)
                    await session.ExecuteAsync($"update store_history set lineage = {lineage}", cancellationToken);
                // Asked again with the lock: of requests that find it at once, one notes it.
                if (!HasMoved() && (known == lineage || string.IsNullOrEmpty(known)))
                    return false;
                await session.ExecuteAsync(Note(), cancellationToken);
                return true;
            },
            cancellationToken);
        _seen = lineage;
        if (isAnother)
            Log.Noticed(logger);

        // Another server may have noted the same, but before this one made its last reservations on the old primary.
        bool HasMoved() => _seen is { } last && last != lineage;
    }

    /// <summary>Whether the store may have lost rows with these ids, which a transaction did not find.</summary>
    /// <returns>Whether the store may have lost one. It does not matter which request noted the loss.</returns>
    public async Task<bool> MayHaveLostAsync(IEnumerable<Guid> ids, CancellationToken cancellationToken)
    {
        await CompareAsync(cancellationToken);
        var mayBeLost = await database.ReadAsync(session => ReadAsync(session, cancellationToken), cancellationToken);
        return ids.Any(mayBeLost);
    }

    /// <returns>Whether an id that the store does not have may be one that it had.</returns>
    public static async Task<Func<Guid, bool>> ReadAsync(Session session, CancellationToken cancellationToken)
    {
        var losses = await session.ListAsync($"select noticed_at from store_losses", static row => row.Instant(0), cancellationToken);
        return id => Ids.CreatedAt(id) is { } created
            && losses.Exists(loss => loss - created > -ClockDifference && loss - created < Reach);
    }

    public Sql Note() => $"insert into store_losses (noticed_at) values ({time.GetInstant()}) on conflict do nothing";

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The database failed over or was restored: its last changes may be lost. Usage of reservations "
            + "that it does not have is recorded as late")]
        public static partial void Noticed(ILogger logger);

        [LoggerMessage(2, LogLevel.Information, "The database does not tell its timeline, so a failover that loses changes is not noticed. "
            + "Commits of reservations that it lost are answered 404")]
        public static partial void Unknown(ILogger logger);
    }
}
