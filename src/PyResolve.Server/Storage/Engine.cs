using System.Data.Common;

namespace PyResolve.Server.Storage;

/// <summary>What differs between the two engines, and nothing else: connections, parameters, instants, locks, and what a failure means.</summary>
internal abstract class Engine : IAsyncDisposable
{
    /// <summary>The folder of this engine's schema files.</summary>
    public abstract string Name { get; }

    /// <summary>Ends a select whose rows must not change until the transaction ends.</summary>
    public abstract SqlFragment ForUpdate { get; }

    /// <summary>The same, without the rows that another transaction has locked.</summary>
    public abstract SqlFragment ForUpdateSkippingLocked { get; }

    /// <summary>Follows a text that is ordered by: by its bytes, whatever the language of the database.</summary>
    public abstract SqlFragment ByBytes { get; }

    /// <summary>The UTC day of an instant, as <c>2026-11-23</c>.</summary>
    public abstract SqlFragment DateOf(string column);

    public abstract ValueTask<DbConnection> OpenReaderAsync(CancellationToken cancellationToken);

    /// <summary>A connection that may write, once it is this caller's turn.</summary>
    public abstract ValueTask<WriterLease> OpenWriterAsync(CancellationToken cancellationToken);

    public abstract void AddParameter(DbParameterCollection parameters, SqlParameter parameter);

    /// <summary>Writes rows where a statement names a table.</summary>
    public abstract void Append(Sql sql, SqlRows rows);

    public abstract DateTimeOffset ReadInstant(DbDataReader reader, int column);

    /// <summary>Waits until no other transaction holds <paramref name="key"/>; gone with the transaction.</summary>
    public abstract Task LockAsync(Session session, long key, CancellationToken cancellationToken);

    /// <summary>Lets one instance at a time change the schema; gone with the transaction.</summary>
    public abstract Task LockSchemaAsync(Session session, CancellationToken cancellationToken);

    public abstract Task<bool> TableExistsAsync(Session session, string table, CancellationToken cancellationToken);

    public abstract FailureKind Classify(DbException exception);

    public abstract ValueTask DisposeAsync();
}

internal enum FailureKind
{
    /// <summary>A fault of ours.</summary>
    Bug,

    /// <summary>The store does not take one of the values, and never will.</summary>
    Refused,

    /// <summary>The transaction lost a race and may simply run again.</summary>
    Retry,

    /// <summary>The store is down, full or too busy; the caller may try later.</summary>
    Unavailable,
}

/// <summary>A connection with an open transaction, and whose turn it ends when disposed.</summary>
internal sealed class WriterLease(DbConnection connection, DbTransaction transaction, IDisposable? turn, bool ownsConnection) : IAsyncDisposable
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
