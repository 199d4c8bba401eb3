using System.Data.Common;

namespace PyResolve.Server.Storage;

/// <summary>What differs between the two engines.</summary>
internal abstract class Engine : IAsyncDisposable
{
    /// <summary>The folder of this engine's schema files.</summary>
    public abstract string Name { get; }

    public abstract SqlFragment ForUpdate { get; }

    public abstract SqlFragment ForUpdateSkippingLocked { get; }

    /// <summary>Follows a text in <c>order by</c>: orders it by its bytes, also where the database has another collation.</summary>
    public abstract SqlFragment ByBytes { get; }

    /// <summary>The UTC day, as <c>2026-11-23</c>.</summary>
    public abstract SqlFragment DateOf(string column);

    public abstract ValueTask<DbConnection> OpenReaderAsync(CancellationToken cancellationToken);

    /// <summary>Waits until no other write is in its way.</summary>
    public abstract ValueTask<Writer> OpenWriterAsync(CancellationToken cancellationToken);

    public abstract void AddParameter(DbParameterCollection parameters, SqlParameter parameter);

    /// <summary>Appends rows in the place of a table.</summary>
    public abstract void Append(Sql sql, SqlRows rows);

    public abstract DateTimeOffset ReadInstant(DbDataReader reader, int column);

    /// <summary>Locks <paramref name="key"/> until the transaction ends.</summary>
    public abstract Task LockAsync(Session session, long key, CancellationToken cancellationToken);

    /// <summary>Locks the schema against other instances until the transaction ends.</summary>
    public abstract Task LockSchemaAsync(Session session, CancellationToken cancellationToken);

    public abstract Task<bool> TableExistsAsync(Session session, string table, CancellationToken cancellationToken);

    public abstract FailureKind Classify(DbException exception);

    public abstract ValueTask DisposeAsync();
}

internal enum FailureKind
{
    Bug,

    /// <summary>The store rejects one of the values and always will.</summary>
    Refused,

    Retry,

    /// <summary>The store is down, full or too busy.</summary>
    Unavailable,
}

/// <summary>A connection with an open transaction. Disposing it lets the next writer go on.</summary>
internal sealed class Writer(DbConnection connection, DbTransaction transaction, IDisposable? turn, bool ownsConnection) : IAsyncDisposable
{
    public DbConnection Connection => connection;

    public DbTransaction Transaction => transaction;

    public async ValueTask DisposeAsync()
    {
        try
        {
            await transaction.DisposeAsync();
            if (ownsConnection)
                await connection.DisposeAsync();
        }
        finally
        {
            turn?.Dispose();
        }
    }
}
