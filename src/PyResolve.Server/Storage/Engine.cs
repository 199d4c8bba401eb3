using System.Data.Common;

namespace PyResolve.Server.Storage;

/// <summary>What differs between the two engines: connections, parameters, instants, locks, and the meaning of failures.</summary>
internal abstract class Engine : IAsyncDisposable
{
    /// <summary>The folder of this engine's schema files.</summary>
    public abstract string Name { get; }

    /// <summary>The end of a select that locks its rows until the transaction ends.</summary>
    public abstract SqlFragment ForUpdate { get; }

    /// <summary>As <see cref="ForUpdate"/>, without the rows that another transaction has locked.</summary>
    public abstract SqlFragment ForUpdateSkippingLocked { get; }

    /// <summary>Follows a text in <c>order by</c>: orders it by its bytes, whatever the collation of the database.</summary>
    public abstract SqlFragment ByBytes { get; }

    /// <summary>The UTC day of an instant, as <c>2026-11-23</c>.</summary>
    public abstract SqlFragment DateOf(string column);

    public abstract ValueTask<DbConnection> OpenReaderAsync(CancellationToken cancellationToken);

    /// <summary>A connection that may write, once no other write is in its way.</summary>
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
    /// <summary>An error in this program.</summary>
    Bug,

    /// <summary>The store rejects one of the values and always will.</summary>
    Refused,

    /// <summary>The transaction conflicted with another; it can run again.</summary>
    Retry,

    /// <summary>The store is down, full or too busy; the caller may try later.</summary>
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
