using System.Globalization;
using PyResolve.Server.Storage;
using PyResolve.Server.Tests.Supabase;

namespace PyResolve.Server.Tests.Citus;

/// <summary><c>migrate-schema --distribute</c> on a real Citus.</summary>
public sealed class DistributionTests(SharedServers servers)
{
    private const string Distributed = "select count(*) from citus_tables where citus_table_type = 'distributed'";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [CitusFact]
    public async Task A_new_database_is_distributed_and_once_more_is_left_alone()
    {
        await using var store = await EmptyAsync();

        var made = await MigrateAsync(store, "--distribute=4");
        var again = await MigrateAsync(store, "--distribute");
        var doctor = await ServerProcess.RunAsync(["doctor"], store.Settings, Cancellation);

        made.OrThrow("migrate-schema").Output.ShouldContain("The accounts' ledgers are spread over the nodes, in 4 shards.");
        again.OrThrow("migrate-schema").Output.ShouldNotContain("Distributed");
        doctor.Output.ShouldContain("Citus: The accounts' ledgers are spread over the nodes, in 4 shards.");
        (await store.ReadNumberAsync(Distributed)).ShouldBe(LedgerTables.Names.Count);
        (await store.ReadNumberAsync("select count(distinct colocation_id) from citus_tables where citus_table_type = 'distributed'"))
            .ShouldBe(1);
        (await store.ReadNumberAsync(
            """
            select count(*) from pg_class
            where relnamespace = 'public'::regnamespace and relkind = 'r' and oid not in (select logicalrelid from pg_dist_partition)
            """)).ShouldBe(0);
    }

    [CitusFact]
    public async Task A_filled_database_keeps_every_row()
    {
        await using var store = await EmptyAsync();
        (await MigrateAsync(store)).OrThrow("migrate-schema");
        await store.ExecuteSqlAsync(
            """
            insert into usage_events (user_id, id, event_type, created_at)
            select gen_random_uuid(), gen_random_uuid(), 'scan', now() from generate_series(1, 5000);
            insert into usage_monthly (user_id, month, migrations) select user_id, '2026-11', 1 from usage_events
            """);
        var before = await DigestAsync(store);

        var distributed = await MigrateAsync(store, "--distribute");

        distributed.OrThrow("migrate-schema").Output.ShouldContain("Distributed usage_events, with 5,000 rows.");
        (await DigestAsync(store)).ShouldBe(before);
        // What stays behind on the coordinator would take room for nothing.
        (await store.ReadNumberAsync("select pg_relation_size('usage_events')")).ShouldBe(0);
    }

    [CitusFact]
    public async Task A_table_that_a_later_version_brings_follows_the_others()
    {
        await using var store = await EmptyAsync();
        (await MigrateAsync(store, "--distribute=4")).OrThrow("migrate-schema");
        await store.ExecuteSqlAsync("select undistribute_table('credit_grants')");
        await store.ExecuteSqlAsync("select undistribute_table('letters', cascade_via_foreign_keys := true)");

        await using var server = await TestServer.StartAsync(store);

        (await store.ReadNumberAsync(Distributed)).ShouldBe(LedgerTables.Names.Count);
        (await store.ReadNumberAsync("select count(*) from citus_tables where table_name in ('letters'::regclass, 'profiles'::regclass)"))
            .ShouldBe(2);
        (await store.ReadNumberAsync("select shard_count from citus_tables where table_name = 'credit_grants'::regclass")).ShouldBe(4);
    }

    [CitusFact]
    public async Task A_later_version_changes_distributed_tables_and_others_in_one_transaction()
    {
        await using var store = await TestStore.OnCitusAsync(await servers.Postgres.CitusAsync(), Cancellation);
        await using var database = new Database(new PostgresEngine(store.ConnectionString));

        await database.WriteAsync(
            async session =>
            {
                await session.Engine.LockTablesAsync(session, ["profiles", "usage_events"], Cancellation);
                await session.ExecuteScriptAsync(
                    "alter table usage_events add column later integer; alter table profiles add column later text", Cancellation);
            },
            Cancellation);

        (await store.ReadNumberAsync(
            """
            select count(*) from information_schema.columns
            where column_name = 'later' and table_name in ('usage_events', 'profiles')
            """)).ShouldBe(2);
    }

    [CitusFact]
    public async Task Another_number_of_shards_is_refused_with_the_statement_that_changes_it()
    {
        await using var store = await EmptyAsync();
        (await MigrateAsync(store, "--distribute=2")).OrThrow("migrate-schema");

        var refused = await MigrateAsync(store, "--distribute=4");
        refused.ExitCode.ShouldBe(1);
        refused.Error.ShouldContain("The tables have 2 shards already.");
        await store.ExecuteSqlAsync(refused.Error[refused.Error.IndexOf("select ", StringComparison.Ordinal)..]);

        (await MigrateAsync(store, "--distribute=4")).OrThrow("migrate-schema");
        (await store.ReadNumberAsync("select sum(shard_count) from citus_tables where citus_table_type = 'distributed'"))
            .ShouldBe(4 * LedgerTables.Names.Count);
    }

    /// <summary>By which a revoked key stops working: so triggers must run for writes that arrive at any node.</summary>
    [CitusFact]
    public async Task A_key_that_is_changed_through_a_worker_advances_the_epoch_once()
    {
        var citus = await servers.Postgres.CitusAsync();
        await using var store = await TestStore.OnCitusAsync(citus, Cancellation);
        await using var worker = TestStore.On(citus.OnWorker(0, store.ConnectionString));
        await worker.ExecuteSqlAsync(
            """
            insert into profiles (id, email) values ('00000000-0000-7000-8000-000000000001', 'ada@example.com');
            insert into api_keys (id, user_id, key_hash, key_prefix)
            values ('00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-000000000001', 'x', 'pyr_live_01234567890')
            """);
        var before = await store.ReadNumberAsync("select epoch from key_epoch");

        await worker.ExecuteSqlAsync("update api_keys set revoked_at = now()");

        (await store.ReadNumberAsync("select epoch from key_epoch")).ShouldBe(before + 1);
        (await worker.ReadNumberAsync($"select count(*) from key_changes where epoch = {before + 1} and user_id is not null")).ShouldBe(1);
    }

    [CitusFact]
    public async Task A_coordinator_without_workers_and_a_worker_are_refused_with_what_to_do()
    {
        var citus = await servers.Postgres.CitusAsync();
        await using var store = await EmptyAsync();
        await using var worker = TestStore.On(citus.OnWorker(0, store.ConnectionString));

        var onWorker = await MigrateAsync(worker, "--distribute");
        await store.ExecuteSqlAsync("select citus_remove_node(nodename, nodeport) from pg_dist_node where groupid > 0");
        var alone = await MigrateAsync(store, "--distribute");

        onWorker.ExitCode.ShouldBe(1);
        onWorker.Error.ShouldContain("This node is a worker of a Citus: the schema is changed on the coordinator.");
        alone.ExitCode.ShouldBe(1);
        alone.Error.ShouldContain("There is no node for the rows. On the coordinator: select citus_add_node(");
    }

    [CitusFact]
    public async Task A_distributed_ledger_is_neither_backed_up_nor_copied_into_and_says_what_to_do()
    {
        await using var store = await EmptyAsync();
        await using var project = await GuideProject.StartAsync();
        var folder = Directory.CreateTempSubdirectory("pyresolve-backup-");
        (await MigrateAsync(store, "--distribute=2")).OrThrow("migrate-schema");

        var backup = await ServerProcess.RunAsync(["backup", Path.Combine(folder.FullName, "store.backup")], store.Settings, Cancellation);
        var import = await ServerProcess.RunAsync(
            ["import", "supabase", "--from", project.Store.Settings["DATABASE_URL"]!], store.Settings, Cancellation);

        backup.ExitCode.ShouldBe(1);
        backup.Error.ShouldContain("The ledger is distributed over several machines, which cannot be read at one instant.");
        folder.EnumerateFiles().ShouldBeEmpty();
        folder.Delete();
        import.ExitCode.ShouldBe(1);
        import.Error.ShouldContain("Nothing was copied. The ledger of this database is distributed already");
    }

    private async Task<TestStore> EmptyAsync() =>
        TestStore.On(await (await servers.Postgres.CitusAsync()).CreateDatabaseAsync(Cancellation));

    private static Task<CommandResult> MigrateAsync(TestStore store, params string[] options) =>
        ServerProcess.RunAsync(["migrate-schema", .. options], store.Settings, Cancellation);

    private static async Task<string> DigestAsync(TestStore store) => Convert.ToString(
        await store.ReadSqlAsync(
            """
            select concat_ws(' ', e.digest, m.digest)
            from (select sum(hashtext(user_id::text || id::text)) as digest from usage_events) e,
                 (select sum(hashtext(user_id::text)) as digest from usage_monthly) m
            """),
        CultureInfo.InvariantCulture)!;
}
