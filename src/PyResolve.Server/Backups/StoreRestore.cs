using System.Data.Common;
using Npgsql;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Backups;

/// <summary>Fills an empty store of either engine with a backup, whole or not at all.</summary>
internal sealed class StoreRestore(Database database, SchemaMigrator schema, StoreHistory history)
{
    /// <summary>Tables that are never empty. The backup's rows take the place of theirs.</summary>
    private static readonly HashSet<string> Seeded = new(StringComparer.Ordinal) { "device_salt", "usage_retention", "audit_retention" };

    private bool IsEmbedded => database.Engine is SqliteEngine;

    /// <param name="file">The backup.</param>
    /// <param name="keys">Takes the keys in it.</param>
    /// <param name="progress">Told the rows of a table that are stored, and all of them.</param>
    /// <param name="upgrading">Told each schema file that is newer than the backup, before it is applied.</param>
    /// <param name="cancellationToken">Leaves the store empty.</param>
    /// <exception cref="BackupException">
    /// The file is no whole backup, or does not fit the store, or its keys have no place; nothing was restored. Or it is not known whether
    /// it was committed, which the message says.
    /// </exception>
    /// <exception cref="StoreUnavailableException">The store is down, full or too busy; nothing was restored.</exception>
    /// <exception cref="SchemaIncompatibleException">The store cannot be used, or not with these rights.</exception>
    public async Task<BackupSummary> ReadAsync(
        Stream file, RestoredKeys keys, IProgress<TableProgress> progress, Action<SchemaStep> upgrading,
        CancellationToken cancellationToken)
    {
        await using var reader = new BackupReader(file);
        var header = await reader.ReadHeaderAsync(cancellationToken);
        if (header.Schema > schema.Version)
        {
            throw new BackupException(
                $"The backup has schema version {header.Schema}, and this program knows {schema.Version}. Nothing was restored. "
                + $"Restore it with a release that has schema version {header.Schema} or later (docs/upgrading.md), whichever release made "
                + "the backup.");
        }

        keys.Check(header.Keys);
        try
        {
            return await RestoreAsync(reader, header, keys, progress, upgrading, cancellationToken);
        }
        catch (Exception exception) when (database.Engine.Classify(exception) is FailureKind.Retry or FailureKind.Unavailable)
        {
            throw new StoreUnavailableException($"{database.Engine.Explain(exception)} Nothing was restored.", exception);
        }
        catch (DbException exception)
        {
            throw new BackupException($"The database does not take the backup: {exception.Message} Nothing was restored.", exception);
        }
    }

    /// <summary>In one transaction: a process that is killed leaves no rows without the rest.</summary>
    private async Task<BackupSummary> RestoreAsync(
        BackupReader reader, BackupHeader header, RestoredKeys keys, IProgress<TableProgress> progress, Action<SchemaStep> upgrading,
        CancellationToken cancellationToken)
    {
        await using var writer = await database.OpenWriterAsync(cancellationToken);
        var session = new Session(database.Engine, writer.Connection, writer.Transaction);
        // The tables as they were, into which the rows fit; what has been added to the schema since then follows.
        var version = await schema.ApplyToEmptyAsync(session, header.Schema, cancellationToken);
        if (version != header.Schema)
        {
            throw new BackupException(
                $"The store has schema version {version}, and the backup {header.Schema}. Nothing was restored. "
                + (IsEmbedded ? "Name a new folder in PYRESOLVE_DATA." : "Name a database without tables in DATABASE_URL."));
        }

        await session.LiftTimeLimitsAsync(cancellationToken);
        var tables = await FillAsync(reader, header, writer, session, progress, cancellationToken);
        await schema.UpgradeAsync(session, upgrading, cancellationToken);
        await FinishAsync(session, header, cancellationToken);
        keys.Write();
        await CommitAsync(writer);
        return new BackupSummary(header.Schema, header.TakenAt, tables) { StoreSchema = schema.Version };
    }

    private async Task<IReadOnlyList<BackupTableEnd>> FillAsync(
        BackupReader reader, BackupHeader header, Writer writer, Session session, IProgress<TableProgress> progress,
        CancellationToken cancellationToken)
    {
        var (tables, _) = await TableCatalog.ReadAsync(writer.Connection, writer.Transaction, schema.TableNames, cancellationToken);
        await LockAsync(session, tables, isUpgraded: header.Schema < schema.Version, cancellationToken);
        await CheckEmptyAsync(session, tables, cancellationToken);
        foreach (var name in Seeded.Where(name => tables.Any(table => table.Name == name)))
            await session.ExecuteAsync($"delete from {new SqlFragment(name)}", cancellationToken);

        var ends = new List<BackupTableEnd>();
        foreach (var expected in header.Tables)
        {
            var begin = await reader.ReadTableAsync(cancellationToken);
            if (tables.FirstOrDefault(table => table.Name == begin.Table) is not { } table
                || begin.Table != expected.Table
                || !table.Columns.Select(static column => column.Name).SequenceEqual(begin.Columns, StringComparer.Ordinal))
                throw new BackupException($"The backup's table {begin.Table} is not as in the store. Nothing was restored.");
            ends.Add(await FillAsync(reader, writer, table, expected.Rows, progress, cancellationToken));
        }

        await reader.ReadEndAsync(cancellationToken);
        return ends;
    }

    private async Task FinishAsync(Session session, BackupHeader header, CancellationToken cancellationToken)
    {
        // Every server and client that remembers keys forgets them: also one that had seen more than the backup has.
        await session.ExecuteAsync(
            $"update key_epoch set epoch = {header.Epoch + 1} where epoch <= {header.Epoch}", cancellationToken);
        await session.ExecuteAsync($"delete from key_changes", cancellationToken);
        await session.ExecuteAsync(
            $"insert into key_changes (epoch, user_id, stamp) select epoch, null, {Guid.CreateVersion7().ToString("N")} from key_epoch",
            cancellationToken);
        await session.ExecuteAsync(
            $"update key_epoch set stamp = (select c.stamp from key_changes c where c.epoch = key_epoch.epoch)", cancellationToken);
        await session.ExecuteAsync(history.Note(), cancellationToken);
        // The store of the backup may have sent them since: Stripe would bill them again after a day.
        await session.ExecuteAsync(
            $"update meter_events set first_tried_at = coalesce(first_tried_at, {header.TakenAt}) where sent_at is null",
            cancellationToken);
    }

    /// <summary>Not cancelled, so that its outcome is known.</summary>
    private async Task CommitAsync(Writer writer)
    {
        try
        {
            await writer.Transaction.CommitAsync(CancellationToken.None);
        }
        catch (DbException exception)
        {
            throw new BackupException(
                $"{database.Engine.Explain(exception)} ({exception.Message}) Whether the backup was restored is not known: it is there "
                + "whole or not at all. Run restore again. Where it says that the store is not empty, the backup was restored.",
                exception);
        }

        if (writer.CommitIsUncertain)
        {
            throw new BackupException(
                "The backup was restored, but the synchronous standby of the database has not confirmed it: a failover would lose it. "
                + "Start the servers when the standby has caught up.");
        }
    }

    private async Task<BackupTableEnd> FillAsync(
        BackupReader reader, Writer writer, StoredTable table, long rows, IProgress<TableProgress> progress,
        CancellationToken cancellationToken)
    {
        await using IRowSink sink = writer.Connection is NpgsqlConnection postgres
            ? await PostgresRowSink.BeginAsync(postgres, table, cancellationToken)
            : new SqliteRowSink(writer, table);
        var values = new object?[table.Columns.Count];
        for (var written = 0L; ; written++)
        {
            var end = await reader.ReadRowAsync(table.Name, table.Columns, values, cancellationToken);
            try
            {
                if (end is null)
                    await sink.WriteAsync(values, cancellationToken);
                else
                    await sink.CompleteAsync(cancellationToken);
            }
            catch (Exception exception) when (exception is OverflowException || database.IsRefusal(exception))
            {
                throw new BackupException(
                    $"The backup is damaged: the database refuses a row of its table {table.Name} ({exception.Message}). "
                    + "Nothing was restored. Take another file.",
                    exception);
            }

            if (end is not null)
            {
                progress.Report(new TableProgress(table.Name, written, rows));
                return end;
            }

            if (written % TableProgress.Step == 0)
                progress.Report(new TableProgress(table.Name, written, rows));
        }
    }

    /// <summary>
    /// No running server writes meanwhile, nor reads where the tables are changed afterwards. On SQLite the transaction is the lock.
    /// </summary>
    private static async Task LockAsync(
        Session session, IReadOnlyList<StoredTable> tables, bool isUpgraded, CancellationToken cancellationToken)
    {
        if (session.Engine is PostgresEngine)
        {
            var names = new SqlFragment(string.Join(", ", tables.Select(static table => table.Name)));
            var mode = new SqlFragment(isUpgraded ? "access exclusive" : "share row exclusive");
            await session.ExecuteAsync($"lock table {names} in {mode} mode", cancellationToken);
        }
    }

    private async Task CheckEmptyAsync(Session session, IReadOnlyList<StoredTable> tables, CancellationToken cancellationToken)
    {
        foreach (var table in tables.Where(static table => !Seeded.Contains(table.Name)))
        {
            var name = new SqlFragment(table.Name);
            if (await session.NumberAsync($"select cast(1 as bigint) from {name} limit 1", cancellationToken) is not null)
            {
                throw new BackupException(
                    $"The store is not empty: {table.Name} has rows. A restore adds to nothing and replaces nothing: "
                    + (IsEmbedded ? "name a new folder in PYRESOLVE_DATA." : "name an empty database in DATABASE_URL."));
            }
        }
    }
}
