using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Backups;

/// <summary>Backups of an older and of a newer schema, and of a database that other applications use too.</summary>
public sealed class BackupSchemaTests(SharedServers servers)
{
    /// <summary>Before one of the tables that are never empty.</summary>
    private const int Older = 15;

    private const int Future = 99;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, OnBothEngines]
    public async Task A_backup_of_an_older_schema_is_restored_and_brought_up_to_date(StorageEngine engine)
    {
        using var folder = new BackupFolder();
        await using var old = await TestStore.CreateAsync(engine, servers.Postgres);
        var newest = await ApplyAsync(old, Older);
        await InsertAccountAsync(old);
        // As the server of that schema would back it up.
        await MarkAsync(old, newest, compatibleFrom: 1);
        (await BackupFolder.RunAsync(old, "backup", folder.File)).OrThrow("backup");
        await folder.WriteDamagedAsync(
            lines => lines[0] = lines[0].Replace($"\"schema\":{newest},", $"\"schema\":{Older},", StringComparison.Ordinal), Cancellation);
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);

        var restored = await BackupFolder.RunAsync(store, "restore", folder.Other);

        restored.OrThrow("restore").Output.ShouldContain($"schema version {Older}");
        (await store.ReadNumberAsync("select max(version) from schema_versions")).ShouldBe(newest);
        (await store.ReadNumberAsync("select count(*) from profiles")).ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task A_backup_by_an_older_program_names_the_version_of_the_store_and_which_release_restores_it(StorageEngine engine)
    {
        using var folder = new BackupFolder();
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
        var newest = await ApplyAsync(store, int.MaxValue);
        await MarkAsync(store, Future, compatibleFrom: 1);
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
        await ApplyAsync(store, int.MaxValue);
        await MarkAsync(store, Future, compatibleFrom: 1);
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
        var newest = await ApplyAsync(store, int.MaxValue);
        await InsertAccountAsync(store);
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

    /// <returns>The version of this program.</returns>
    private static async Task<int> ApplyAsync(TestStore store, int version)
    {
        var builder = ServerApp.CreateBuilder(["--environment", "Production", "--Logging:LogLevel:Default=None"]);
        builder.Configuration.AddInMemoryCollection(store.Settings);
        await using var app = ServerApp.Build(builder);
        var schema = app.Services.GetRequiredService<SchemaMigrator>();
        await schema.ApplyToEmptyAsync(Math.Min(version, schema.Version), Cancellation);
        return schema.Version;
    }

    private static Task<int> MarkAsync(TestStore store, int version, int compatibleFrom) => store.ExecuteSqlAsync(
        $"""
        insert into schema_versions (version, name, compatible_from, applied_at)
        select {version}, 'marked', {compatibleFrom}, max(applied_at) from schema_versions
        """);

    private static Task<int> InsertAccountAsync(TestStore store) => store.ExecuteSqlAsync(
        $"""
        insert into profiles (id, email, name, plan, created_at, updated_at)
        select '00000000-0000-0000-0000-0000000000aa', 'ada@example.com', 'Ada', 'free', max(applied_at), max(applied_at)
        from schema_versions
        """);
}
