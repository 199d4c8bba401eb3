using System.Data.Common;
using System.Runtime.InteropServices;

namespace PyResolve.Server.Storage;

/// <summary>The parts of the store that differ between the two engines.</summary>
internal abstract class Engine : IAsyncDisposable
{
    /// <summary>The folder of this engine's schema files.</summary>
    public abstract string Name { get; }

    /// <summary>
    /// Whether the rows of <see cref="LedgerTables"/> are spread over several machines by account: then each statement about them names one
    /// account.
    /// </summary>
    public virtual bool IsDistributed => false;

    /// <summary>Sees the text of each statement before it runs.</summary>
    public Action<string>? Observer { get; init; }

    public abstract SqlFragment ForUpdate { get; }

    public abstract SqlFragment ForUpdateSkippingLocked { get; }

    /// <summary>
    /// SQL that follows a text in <c>order by</c>: it orders by the text's bytes, also where the database has another collation.
    /// </summary>
    public abstract SqlFragment ByBytes { get; }

    /// <summary>SQL for the UTC day of an instant, as <c>2026-11-23</c>.</summary>
    public abstract SqlFragment DateOf(string column);

    /// <summary>SQL for the id that is written in a text expression.</summary>
    public abstract SqlFragment IdOf(string text);

    /// <summary>
    /// A statement after which the commit of a transaction that changed nothing waits until what it read is replicated, where replication
    /// is asked for; null where there is none.
    /// </summary>
    public virtual Sql? WaitForReplicas => null;

    /// <summary>
    /// How long a write may take, with all its statements and what it waits for, unless it lifts its time limits; null: as long as it
    /// needs.
    /// </summary>
    public virtual TimeSpan? WriteTimeout => null;

    /// <summary>The wall clock of all instances that use the store.</summary>
    public virtual TimeProvider CreateClock(TimeProvider machine) => machine;

    /// <summary>Returns the engine to use, which depends on what the database is. Called once, before the store is used.</summary>
    /// <returns>What suits the database that answers, with the same connections; mostly this.</returns>
    public virtual Task<Engine> FindVariantAsync(CancellationToken cancellationToken) => Task.FromResult(this);

    /// <summary>The part of the store that has an account's ledger, and may be down alone; null: not known yet.</summary>
    public virtual LedgerPlace? PlaceOf(Guid userId) => default(LedgerPlace);

    /// <summary>Asks the store for an account's part where <see cref="PlaceOf"/> does not know it.</summary>
    public virtual Task<LedgerPlace> ReadPlaceAsync(Session session, Guid userId, CancellationToken cancellationToken) =>
        Task.FromResult(default(LedgerPlace));

    /// <summary>Builds one statement, or one for each account where the rows are spread by account.</summary>
    /// <param name="rows">What it is about.</param>
    /// <param name="write">The statement about some rows, which names their account where it is told to.</param>
    public virtual IEnumerable<Sql> ByAccount<T>(
        IReadOnlyList<T> rows, Func<T, Guid> account, Func<IReadOnlyList<T>, OneAccount, Sql> write) => [write(rows, default)];

    /// <summary>Builds one statement, or several where one would have too many parameters.</summary>
    public virtual IEnumerable<Sql> InParts<T>(IReadOnlyList<T> rows, Func<IReadOnlyList<T>, Sql> write) => [write(rows)];

    /// <param name="node">The one that all statements are about; null: any number of them, or the store has one only.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public abstract ValueTask<Reader> OpenReaderAsync(long? node, CancellationToken cancellationToken);

    /// <summary>Opens a connection to write with, once no other write is in its way.</summary>
    /// <inheritdoc cref="OpenReaderAsync"/>
    public abstract ValueTask<Writer> OpenWriterAsync(long? node, CancellationToken cancellationToken);

    public abstract void AddParameter(DbParameterCollection parameters, SqlParameter parameter);

    /// <summary>Appends rows in the place of a table.</summary>
    public abstract void Append(Sql sql, SqlRows rows);

    /// <summary>Appends what follows the columns of an insert: the rows, in the order of their key.</summary>
    public virtual void Append(Sql sql, InsertedRows inserted)
    {
        var rows = inserted.Rows;
        sql.AppendLiteral($"select {string.Join(", ", rows.Columns.Select(static column => column.Name))}\nfrom ");
        Append(sql, rows);
        if (inserted.Key.Count > 0)
            sql.AppendLiteral($"\nwhere true\norder by {string.Join(", ", inserted.Key)}");
    }

    public abstract DateTimeOffset ReadInstant(DbDataReader reader, int column);

    /// <summary>Locks <paramref name="key"/> until the transaction ends.</summary>
    public abstract Task LockAsync(Session session, long key, CancellationToken cancellationToken);

    /// <summary>Lifts the database's own limits on a statement until the transaction ends.</summary>
    public virtual Task LiftTimeLimitsAsync(Session session, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Locks the schema against other instances until the transaction ends.</summary>
    /// <returns>false: another instance has the lock.</returns>
    public abstract Task<bool> TryLockSchemaAsync(Session session, CancellationToken cancellationToken);

    /// <summary>Locks tables until the transaction ends, before its first change to them.</summary>
    public virtual Task LockTablesAsync(Session session, IReadOnlyList<string> tables, CancellationToken cancellationToken) =>
        Task.CompletedTask;

    /// <summary>Whether a statement failed only because another process has the store locked.</summary>
    public virtual bool IsLockedElsewhere(Exception? exception) => false;

    /// <summary>Whether there is such a table in the schema that the server works in. Other schemas do not count.</summary>
    public abstract Task<bool> TableExistsAsync(Session session, string table, CancellationToken cancellationToken);

    /// <summary>Returns those of the names that a table, a view or the like has in the schema that the server works in.</summary>
    /// <returns>As a person writes them.</returns>
    public abstract Task<List<string>> FindRelationsAsync(
        Session session, IReadOnlyList<string> names, CancellationToken cancellationToken);

    /// <summary>Whether a statement names a column that is not there.</summary>
    public abstract bool LacksColumn(Exception exception);

    /// <summary>
    /// Columns for a query that say which store answered, and what reads them, from the first of them on. A restart, a failover and a
    /// restore change it. Reading throws where the store does not accept writes, which may be out of date.
    /// </summary>
    public virtual (SqlFragment Columns, Func<Row, int, string> Read) Identify() => (new("''"), static (row, column) => row.Text(column));

    /// <returns>
    /// What stays the same unless the store fails over or is restored. Empty: there is nothing to compare here. null: the store does not
    /// tell it.
    /// </returns>
    public virtual Task<string?> ReadLineageAsync(Session session, CancellationToken cancellationToken) => Task.FromResult<string?>("");

    /// <exception cref="SchemaIncompatibleException">The store cannot be used, or not with these rights.</exception>
    public virtual Task CheckAsync(Session session, IReadOnlyList<string> tables, CancellationToken cancellationToken) =>
        Task.CompletedTask;

    /// <summary>Distributes the tables that a newer schema brought, where the others are spread over several nodes.</summary>
    public virtual Task FollowAsync(Session session, IReadOnlyList<string> tables, CancellationToken cancellationToken) =>
        Task.CompletedTask;

    /// <summary>Revokes what others may do with these tables. Has no effect where there is nothing to revoke.</summary>
    public virtual Task ProtectAsync(Session session, IReadOnlyList<string> tables, CancellationToken cancellationToken) =>
        Task.CompletedTask;

    /// <summary>Whether waiting may help: a server that starts or fails over, not a wrong password.</summary>
    public virtual bool MayAnswerLater(StoreUnavailableException exception) => false;

    /// <returns>What the role may not do, where that is why a statement failed.</returns>
    public virtual string? LacksRight(Exception? exception) => null;

    /// <summary>Called when the store is unavailable, or took too long to answer.</summary>
    public virtual void AfterFailure(Exception exception)
    {
    }

    /// <summary>Says what is wrong, in a sentence that may be shown to anybody.</summary>
    public virtual string Explain(Exception exception) => "The database does not answer.";

    public abstract FailureKind Classify(Exception exception);

    public abstract ValueTask DisposeAsync();
}

/// <param name="Shard">Has the rows of some accounts. 0 where all are together.</param>
/// <param name="Node">The machine of the shard; null where the store has one only.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct LedgerPlace(long Shard, long? Node);

internal enum FailureKind
{
    Bug,

    /// <summary>The store rejects one of the values and always will.</summary>
    Refused,

    Retry,

    /// <summary>The store is down, full or too busy.</summary>
    Unavailable,
}

/// <summary>A connection to read with. Disposing it lets the next reader go on.</summary>
internal readonly struct Reader(DbConnection connection, IDisposable? place, CancellationToken abandoned = default) : IAsyncDisposable
{
    public DbConnection Connection => connection;

    /// <summary>Cancelled when the store is used at another host from now on: no answer is to be expected from this one.</summary>
    public CancellationToken Abandoned => abandoned;

    /// <summary>Where the store has several nodes, and this is for work on one: learns whether it answers.</summary>
    public NodeBreaker.Attempt? Attempt { get; init; }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await connection.DisposeAsync();
        }
        finally
        {
            Attempt?.Dispose();
            place?.Dispose();
        }
    }
}

/// <summary>A connection with an open transaction. Disposing it lets the next writer go on.</summary>
internal sealed class Writer(DbConnection connection, DbTransaction transaction, IDisposable? turn, bool ownsConnection) : IAsyncDisposable
{
    public DbConnection Connection => connection;

    public DbTransaction Transaction => transaction;

    /// <inheritdoc cref="Reader.Abandoned"/>
    public CancellationToken Abandoned { get; init; }

    /// <inheritdoc cref="Reader.Attempt"/>
    public NodeBreaker.Attempt? Attempt { get; set; }

    /// <summary>Whether the commit was cut short while it waited for its replica: it is stored here, but a failover may lose it.</summary>
    public bool CommitIsUncertain { get; set; }

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
            Attempt?.Dispose();
            turn?.Dispose();
        }
    }
}
