using System.Globalization;

namespace PyResolve.Server.Storage;

/// <summary>
/// Spreads the tables of the accounts' ledgers over the nodes of a Citus, by account. All other tables stay on the coordinator, where every
/// node knows them: Citus cannot replicate tables whose triggers count the changes of keys.
/// </summary>
internal static class CitusSchema
{
    /// <summary>
    /// The shards unless told otherwise: enough for eight workers. A statement that names no account asks each shard, so Citus' own
    /// default, 32, costs more.
    /// </summary>
    public const int DefaultShards = 8;

    private const char Hash = 'h';

    /// <summary>The tables in the order in which they are distributed. The shards of the first are those of the others too.</summary>
    private static IReadOnlyList<string> Names => LedgerTables.Names;

    /// <param name="session">In a transaction that has locked the schema.</param>
    /// <param name="tables">All tables and views of the schema.</param>
    /// <param name="shards">null: as many as the database has; where it is not distributed yet, <see cref="DefaultShards"/>.</param>
    /// <param name="progress">Learns of each table before and after its rows are moved.</param>
    /// <param name="cancellationToken">Takes everything back.</param>
    /// <returns>The tables that were distributed now, and how many shards they have.</returns>
    /// <exception cref="SchemaIncompatibleException">It cannot be done here: the message names the fix.</exception>
    public static async Task<Distribution> DistributeAsync(
        Session session, IReadOnlyList<string> tables, int? shards, IProgress<MovedRows>? progress, CancellationToken cancellationToken)
    {
        await ThrowUnlessReadyAsync(session, cancellationToken);
        if (await CountShardsAsync(session, cancellationToken) is { } already && shards is { } asked && asked != already)
        {
            throw new SchemaIncompatibleException(
                $"Nothing was distributed. The tables have {already} shards already. With the servers stopped, on the coordinator: "
                + $"select alter_distributed_table('{Names[0]}', shard_count := {asked}, cascade_to_colocated := true);");
        }

        return await SpreadAsync(session, tables, shards ?? DefaultShards, progress, cancellationToken);
    }

    /// <summary>
    /// Distributes the tables of a newer version of the schema as the others are. Has no effect where nothing is distributed.
    /// </summary>
    /// <param name="session">In a transaction that has locked the schema.</param>
    /// <param name="tables">All tables and views of the schema.</param>
    /// <param name="cancellationToken">Takes everything back.</param>
    public static async Task FollowAsync(Session session, IReadOnlyList<string> tables, CancellationToken cancellationToken)
    {
        if (await IsInstalledAsync(session, cancellationToken) && await CountShardsAsync(session, cancellationToken) is not null)
            await SpreadAsync(session, tables, DefaultShards, progress: null, cancellationToken);
    }

    /// <exception cref="SchemaIncompatibleException">This is a worker, where the schema cannot be changed.</exception>
    public static async Task ThrowOnWorkerAsync(Session session, CancellationToken cancellationToken)
    {
        if (await IsInstalledAsync(session, cancellationToken)
            && await session.NumberAsync($"select groupid::bigint from pg_dist_local_group", cancellationToken) > 0)
        {
            throw new SchemaIncompatibleException(
                "This node is a worker of a Citus: the schema is changed on the coordinator. Run migrate-schema with a DATABASE_URL that "
                + "names it.");
        }
    }

    /// <returns>How many shards the ledgers have; null: they are not distributed, or this is not Citus.</returns>
    public static async Task<int?> FindShardsAsync(Session session, CancellationToken cancellationToken) =>
        await IsInstalledAsync(session, cancellationToken) ? await CountShardsAsync(session, cancellationToken) : null;

    /// <summary>
    /// Makes each statement of the transaction use one connection to each worker, where Citus is installed. After a statement that used
    /// several, Citus refuses to change a table that is not distributed.
    /// </summary>
    public static Task<int> ChangeOneByOneAsync(Session session, CancellationToken cancellationToken) => session.ExecuteAsync(
        $"select set_config('citus.multi_shard_modify_mode', 'sequential', true) from pg_extension where extname = 'citus'",
        cancellationToken);

    private static async Task<bool> IsInstalledAsync(Session session, CancellationToken cancellationToken) =>
        await session.NumberAsync($"select 1::bigint from pg_extension where extname = 'citus'", cancellationToken) is not null;

    private static async Task<int?> CountShardsAsync(Session session, CancellationToken cancellationToken) =>
        (int?)await session.NumberAsync(
            $"select count(*) from pg_dist_shard where logicalrelid = to_regclass({Names[0]}) having count(*) > 1", cancellationToken);

    private static async Task ThrowUnlessReadyAsync(Session session, CancellationToken cancellationToken)
    {
        if (!await IsInstalledAsync(session, cancellationToken))
        {
            throw new SchemaIncompatibleException(
                "Nothing was distributed. The database is not on Citus. On every node, with shared_preload_libraries = 'citus': "
                + "create extension citus; and on the coordinator: select citus_set_coordinator_host('<its address>'); "
                + "select citus_add_node('<a worker>', 5432);");
        }

        await ThrowOnWorkerAsync(session, cancellationToken);
        var nodes = (await session.FirstAsync(
            $"""
            select count(*) filter (where groupid = 0), count(*) filter (where shouldhaveshards)
            from pg_dist_node
            where noderole = 'primary' and isactive
            """,
            static row => new { Coordinators = row.Int64(0), Workers = row.Int64(1) },
            cancellationToken))!;
        if (nodes.Coordinators == 0)
        {
            throw new SchemaIncompatibleException(
                "Nothing was distributed. The workers do not know the coordinator. On it: "
                + "select citus_set_coordinator_host('<its address>');");
        }

        if (nodes.Workers == 0)
        {
            throw new SchemaIncompatibleException(
                "Nothing was distributed. There is no node for the rows. On the coordinator: select citus_add_node('<a worker>', 5432);");
        }
    }

    private static async Task<Distribution> SpreadAsync(
        Session session, IReadOnlyList<string> tables, int shards, IProgress<MovedRows>? progress, CancellationToken cancellationToken)
    {
        await session.LiftTimeLimitsAsync(cancellationToken);
        await ChangeOneByOneAsync(session, cancellationToken);
        var kinds = await ReadKindsAsync(session, tables, cancellationToken);
        foreach (var table in kinds.Where(kind => kind.Value is null && !Names.Contains(kind.Key)).Select(static kind => kind.Key))
        {
            // One that another refers to has come along with it.
            await session.ExecuteAsync(
                $"""
                select citus_add_local_table_to_metadata(c.oid::regclass, true)
                from pg_class c
                where c.oid = to_regclass({table}) and not exists (select 1 from pg_dist_partition p where p.logicalrelid = c.oid)
                """,
                cancellationToken);
        }

        var moved = await CountRowsAsync(
            session, [.. Names.Where(name => kinds.TryGetValue(name, out var kind) && kind != Hash)], cancellationToken);
        var (done, all) = (0L, moved.Sum(static table => table.Rows));
        foreach (var table in moved)
        {
            progress?.Report(new MovedRows(table.Name, done, all));
            await DistributeAsync(session, table.Name, shards, cancellationToken);
            progress?.Report(new MovedRows(table.Name, done += table.Rows, all));
        }

        return new Distribution(moved, (await CountShardsAsync(session, cancellationToken))!.Value);
    }

    /// <returns>How Citus keeps each table; null: as a local one that only this node knows.</returns>
    private static async Task<Dictionary<string, char?>> ReadKindsAsync(
        Session session, IReadOnlyList<string> tables, CancellationToken cancellationToken)
    {
        var kinds = await session.ListAsync(
            $"""
            select c.relname::text, p.partmethod::text
            from {session.Rows("t", tables).With("name", static name => name)}
            join pg_class c on c.oid = to_regclass(t.name) and c.relkind = 'r'
            left join pg_dist_partition p on p.logicalrelid = c.oid
            """,
            static row => (Name: row.Text(0), Kind: row.TextOrNull(1)?[0]),
            cancellationToken);
        return kinds.ToDictionary(static table => table.Name, static table => table.Kind);
    }

    private static async Task<List<DistributedTable>> CountRowsAsync(
        Session session, IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        var tables = new List<DistributedTable>(names.Count);
        foreach (var name in names)
        {
            var count = await session.NumberAsync($"select count(*) from {new SqlFragment(name)}", cancellationToken);
            tables.Add(new DistributedTable(name, count!.Value));
        }

        return tables;
    }

    private static async Task DistributeAsync(Session session, string table, int shards, CancellationToken cancellationToken)
    {
        if (table == Names[0])
        {
            await session.ExecuteAsync(
                $"select create_distributed_table({table}, {LedgerTables.Account}, colocate_with := 'none', shard_count := {shards}::int)",
                cancellationToken);
        }
        else
        {
            await session.ExecuteAsync(
                $"select create_distributed_table({table}, {LedgerTables.Account}, colocate_with := {Names[0]})", cancellationToken);
        }

        // The rows are in the shards now, and their old places take room.
        await session.ExecuteAsync($"select truncate_local_data_after_distributing_table({table})", cancellationToken);
    }
}

/// <param name="Tables">That were distributed now, with the rows that they had.</param>
/// <param name="Shards">Of each.</param>
internal sealed record Distribution(IReadOnlyList<DistributedTable> Tables, int Shards);

internal sealed record DistributedTable(string Name, long Rows);

/// <param name="Table">Being distributed.</param>
/// <param name="Rows">Of all tables, that are in shards.</param>
/// <param name="AllRows">Of all tables that are being distributed.</param>
internal sealed record MovedRows(string Table, long Rows, long AllRows);
