using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Backups;
using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Backups;

/// <summary>Backups of an older and of a newer schema, and of a database that other applications use too.</summary>
public sealed class BackupSchemaTests(SharedServers servers)
{
    /// <summary>Before one of the tables that are never empty.</summary>
    private const int Older = 15;

    private const int Future = 99;

    private const string WaitOnceThereAreAccounts =
        """
        create function take_long() returns event_trigger language plpgsql as $$
        begin
            if to_regclass('profiles') is not null then
                if exists (select from profiles) then
                    perform pg_sleep(3);
                end if;
            end if;
        end $$;
        create event trigger slow on ddl_command_start when tag in ('CREATE TABLE') execute function take_long()
        """;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, OnBothEngines]
    public async Task A_backup_of_an_older_schema_is_restored_and_brought_up_to_date(StorageEngine engine)
    {
        using var folder = new BackupFolder();
        await using var old = await TestStore.CreateAsync(engine, servers.Postgres);
        var newest = await old.BackUpOlderAsync(folder, Older);
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);

        var restored = await BackupFolder.RunAsync(store, "restore", folder.Other);

        restored.OrThrow("restore").Output.ShouldContain($"schema version {Older}, brought up to {newest}.");
        (await store.ReadNumberAsync("select max(version) from schema_versions")).ShouldBe(newest);
        (await store.ReadNumberAsync("select count(*) from profiles")).ShouldBe(1);
        (await store.ReadNumberAsync("select count(*) from store_losses")).ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task A_restore_that_ends_while_the_schema_is_brought_up_to_date_leaves_the_store_empty(StorageEngine engine)
    {
        using var folder = new BackupFolder();
        await using var old = await TestStore.CreateAsync(engine, servers.Postgres);
        await old.BackUpOlderAsync(folder, Older);
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
        using var interruption = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);

        await using (var app = store.BuildServer())
        {
            var keys = new RestoredKeys(app.Configuration, app.Services.GetRequiredService<ServerOptions>(), keysTo: null);
            await using var file = File.OpenRead(folder.Other);
            await Should.ThrowAsync<OperationCanceledException>(() => app.Services.GetRequiredService<StoreRestore>().ReadAsync(
                file, keys, new Progress<TableProgress>(), InterruptAtTheLast, interruption.Token));
        }

        (await store.HasTablesAsync()).ShouldBeFalse();
        (await BackupFolder.RunAsync(store, "restore", folder.Other)).OrThrow("restore after all");
        (await store.ReadNumberAsync("select count(*) from store_losses")).ShouldBe(1);

        void InterruptAtTheLast(SchemaStep step)
        {
            if (step.Applied == step.All - 1)
                interruption.Cancel();
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_restore_that_is_ended_while_PostgreSQL_changes_its_tables_leaves_the_store_empty(bool isKilled)
    {
        using var folder = new BackupFolder();
        await using var old = await TestStore.CreateAsync(StorageEngine.Postgres, servers.Postgres);
        await old.BackUpOlderAsync(folder, Older);
        await using var store = await TestStore.CreateAsync(StorageEngine.Postgres, servers.Postgres);
        await store.ExecuteSqlAsync(WaitOnceThereAreAccounts);
        using var kill = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var upgrading = Eventually.IsTrueAsync(
            async () => await store.ReadNumberAsync(
                "select count(*) from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'") > 0,
            TimeSpan.FromMinutes(1),
            Cancellation);

        if (isKilled)
        {
            var restoring = ServerProcess.RunAsync(["restore", folder.Other], store.Settings, kill.Token);
            await upgrading;
            await kill.CancelAsync();
            await Should.ThrowAsync<OperationCanceledException>(() => restoring);
        }
        else
        {
            var ended = await ServerProcess.InterruptAsync(["restore", folder.Other], store.Settings, upgrading, Cancellation);
            ended.ExitCode.ShouldBe(130, ended.Error);
            ended.Error.ShouldContain("Nothing was restored.");
        }

        await store.UntilAloneAsync();
        (await store.HasTablesAsync()).ShouldBeFalse();
        await store.ExecuteSqlAsync("drop event trigger slow");
        (await BackupFolder.RunAsync(store, "restore", folder.Other)).OrThrow("restore after all");
        (await store.ReadNumberAsync("select count(*) from store_losses")).ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task A_backup_by_an_older_program_names_the_version_of_the_store_and_which_release_restores_it(StorageEngine engine)
    {
        using var folder = new BackupFolder();
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
        var newest = await store.ApplySchemaAsync();
        await store.MarkSchemaAsync(Future, compatibleFrom: 1);
        await using var other = await TestStore.CreateAsync(engine, servers.Postgres);

        var backup = await BackupFolder.RunAsync(store, "backup", folder.File);
        var restored = await BackupFolder.RunAsync(other, "restore", folder.File);

        backup.OrThrow("backup").Output.ShouldContain($"schema version {Future}");
        restored.ExitCode.ShouldBe(1);
        restored.Error.ShouldContain($"The backup has schema version {Future}, and this program knows {newest}.");
        restored.Error.ShouldContain($"a release that has schema version {Future} or later (docs/upgrading.md)");
    }

    [Theory, OnBothEngines]
    public async Task A_backup_by_an_older_program_leaves_out_no_table_that_it_does_not_know(StorageEngine engine)
    {
        using var folder = new BackupFolder();
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
        await store.ApplySchemaAsync();
        await store.MarkSchemaAsync(Future, compatibleFrom: 1);
        await store.ExecuteSqlAsync("create table invitations (id bigint primary key)");

        var backup = await BackupFolder.RunAsync(store, "backup", folder.File);

        (backup.ExitCode, File.Exists(folder.File)).ShouldBe((1, false));
        backup.Error.ShouldContain("it cannot tell whether invitations belong to the server");
        backup.Error.ShouldContain($"the release that has schema version {Future}");
    }

    /// <summary>A project at Supabase has its own tables in the same schema.</summary>
    [Theory, OnBothEngines]
    public async Task Tables_of_other_applications_are_neither_in_a_backup_nor_in_the_way_of_a_restore(StorageEngine engine)
    {
        using var folder = new BackupFolder();
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
        await using var other = await TestStore.CreateAsync(engine, servers.Postgres);
        var newest = await store.ApplySchemaAsync();
        await store.InsertAccountAsync();
        foreach (var one in new[] { store, other })
        {
            await one.ExecuteSqlAsync("create table notes (id uuid primary key, t text)");
            await one.ExecuteSqlAsync("create table measures (value numeric(9, 2))");
            await one.ExecuteSqlAsync("insert into notes values ('00000000-0000-0000-0000-000000000001', 'mine')");
            await one.ExecuteSqlAsync("insert into measures values (1.5)");
        }

        var backup = await BackupFolder.RunAsync(store, "backup", folder.File, "--json");
        var restored = await BackupFolder.RunAsync(other, "restore", folder.File);

        backup.OrThrow("backup").Output.ShouldContain("\"table\":\"profiles\",\"rows\":1");
        backup.Output.ShouldNotContain("notes");
        backup.Output.ShouldNotContain("measures");
        restored.OrThrow("restore").Output.ShouldContain($"schema version {newest}");
        (await other.ReadNumberAsync("select count(*) from profiles")).ShouldBe(1);
        (await other.ReadNumberAsync("select count(*) from notes")).ShouldBe(1);
    }
}
