using System.Data;
using System.Data.Common;
using Microsoft.Data.Sqlite;
using Npgsql;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Backups;

/// <summary>Writes every row of a store, as it is at one instant, while others go on writing.</summary>
internal sealed class StoreBackup(Database database, SchemaMigrator schema, TimeProvider time)
{
    /// <param name="file">Where it goes. It is not closed.</param>
    /// <param name="keys">The server's secrets that are kept with it, by the names of their files.</param>
    /// <param name="progress">Told the rows of a table that are written, and all of them.</param>
    /// <param name="cancellationToken">Leaves half a file.</param>
    /// <exception cref="BackupException">The store's rows are distributed, or not all of its tables are known.</exception>
    /// <exception cref="SchemaIncompatibleException">The store has another schema than this server.</exception>
    public async Task<BackupSummary> WriteAsync(
        Stream file, IReadOnlyDictionary<string, string> keys, IProgress<TableProgress> progress, CancellationToken cancellationToken)
    {
        await schema.CheckAsync(cancellationToken);
        if (database.Engine.IsDistributed)
        {
            throw new BackupException(
                "The ledger is distributed over several machines, which cannot be read at one instant. "
                + "Back it up with the tools of the database.");
        }

        await using var opened = await database.Engine.OpenReaderAsync(node: null, cancellationToken);
        // Before the first read, which fixes what is seen: what was acknowledged before this instant is in the backup.
        var takenAt = time.GetUtcNow();
        await using var snapshot = await BeginAsync(opened.Connection, cancellationToken);
        await new Session(database.Engine, opened.Connection, snapshot).LiftTimeLimitsAsync(cancellationToken);
        var version = await NumberAsync(opened.Connection, snapshot, "select max(version) from schema_versions", cancellationToken);
        var (tables, others) = await TableCatalog.ReadAsync(opened.Connection, snapshot, schema.TableNames, cancellationToken);
        if (version > schema.Version && others.Count > 0)
        {
            throw new BackupException(
                $"The store's schema has version {version}, and this program knows {schema.Version}: it cannot tell whether "
                + $"{string.Join(", ", others)} belong to the server. Make the backup with the release that has schema version {version} "
                + "(docs/upgrading.md).");
        }

        var counts = new List<BackupTableRows>();
        foreach (var table in tables)
        {
            counts.Add(new BackupTableRows(
                table.Name,
                await NumberAsync(opened.Connection, snapshot, $"select count(*) from {table.Name}", cancellationToken)));
        }
        // The store's own version: a newer server may have brought its schema, which this one can still read, up to date.
        var header = new BackupHeader(
            BackupHeader.Name, BackupHeader.CurrentVersion, (int)version,
            await NumberAsync(opened.Connection, snapshot, "select epoch from key_epoch", cancellationToken), takenAt, keys, counts);

        await using var writer = new BackupWriter(file);
        await writer.WriteAsync(header, BackupJson.Default.BackupHeader, cancellationToken);
        var ends = new List<BackupTableEnd>();
        foreach (var (table, count) in tables.Zip(counts))
            ends.Add(await WriteTableAsync(writer, opened.Connection, snapshot, table, count.Rows, progress, cancellationToken));
        var summary = new BackupSummary(header.Schema, takenAt, ends);
        await writer.WriteAsync(new BackupEnd(BackupHeader.Name, summary.Rows), BackupJson.Default.BackupEnd, cancellationToken);
        return summary;
    }

    private static async Task<BackupTableEnd> WriteTableAsync(
        BackupWriter writer, DbConnection connection, DbTransaction snapshot, StoredTable table, long rows,
        IProgress<TableProgress> progress, CancellationToken cancellationToken)
    {
        await writer.WriteAsync(
            new BackupTable(table.Name, [.. table.Columns.Select(static column => column.Name)]), BackupJson.Default.BackupTable,
            cancellationToken);
        writer.BeginTable();
        await using var command = Command(connection, snapshot, Select(connection, table));
        await using var reader = await command.ExecuteReaderAsync(CommandBehavior.SequentialAccess, cancellationToken);
        for (var written = 0L; await reader.ReadAsync(cancellationToken); written++)
        {
            await writer.WriteRowAsync(reader, table.Columns, cancellationToken);
            if (written % TableProgress.Step == 0)
                progress.Report(new TableProgress(table.Name, written, rows));
        }

        progress.Report(new TableProgress(table.Name, rows, rows));
        var end = writer.EndTable(table.Name);
        await writer.WriteAsync(end, BackupJson.Default.BackupTableEnd, cancellationToken);
        return end;
    }

    /// <summary>In the order of the key's bytes, which is the same on both engines.</summary>
    private static string Select(DbConnection connection, StoredTable table)
    {
        var isPostgres = connection is NpgsqlConnection;
        var columns = table.Columns.Select(column => (isPostgres, column.Type) switch
        {
            (true, StoredType.Integer) => $"{column.Name}::bigint",
            (true, StoredType.Json) => $"{column.Name}::text",
            _ => column.Name,
        });
        var order = table.Key.Select(column => isPostgres && column.Type == StoredType.Text ? $"{column.Name} collate \"C\"" : column.Name);
        return $"select {string.Join(", ", columns)} from {table.Name} order by {string.Join(", ", order)}";
    }

    private static async Task<DbTransaction> BeginAsync(DbConnection connection, CancellationToken cancellationToken) => connection switch
    {
        // Its first read fixes what it sees.
        SqliteConnection sqlite => sqlite.BeginTransaction(deferred: true),
        _ => await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken),
    };

    private static async Task<long> NumberAsync(
        DbConnection connection, DbTransaction transaction, string text, CancellationToken cancellationToken)
    {
        await using var command = Command(connection, transaction, text);
        return Convert.ToInt64(await command.ExecuteScalarAsync(cancellationToken), null);
    }

    private static DbCommand Command(DbConnection connection, DbTransaction transaction, string text)
    {
        var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandTimeout = 0;
#pragma warning disable CA2100 // Made of the names of the store's own tables and columns.
        command.CommandText = text;
#pragma warning restore CA2100
        return command;
    }
}

/// <summary>Progress of one table.</summary>
internal readonly record struct TableProgress(string Table, long Rows, long AllRows)
{
    /// <summary>Rows between two reports.</summary>
    public const int Step = 2_000;
}
