using PyResolve.Server.Tests.Backups;

namespace PyResolve.Server.Tests.Commands;

/// <summary>How far a long command is, on a terminal; elsewhere nothing.</summary>
public sealed class ProgressTests(SharedServers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, OnBothEngines, Trait("Platform", "Unix")]
    public async Task An_upgrade_of_the_schema_names_each_file_while_it_is_applied(StorageEngine engine)
    {
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);

        var shown = await OnTerminalAsync(store, "migrate-schema");

        shown.ShouldMatch(@"Applying 0001_foundation: 0 of \d+ files, 0 %");
        shown.ShouldContain("Applying 0027_store_history: ");
        shown.ShouldContain("Applied 0027_store_history.");
    }

    [Theory, OnBothEngines, Trait("Platform", "Unix")]
    public async Task A_recount_says_how_many_accounts_are_done(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        await (await own.SignUpAsync("ada@example.com")).ReserveAsync();

        var shown = await OnTerminalAsync(own.Store, "usage recompute");

        shown.ShouldContain("Recounted usage: 1 accounts");
        shown.ShouldContain("Recounted 0 events of 1 account ");
    }

    [Theory, OnBothEngines, Trait("Platform", "Unix")]
    public async Task A_backup_and_a_restore_say_how_many_rows_of_a_table_are_done(StorageEngine engine)
    {
        using var folder = new BackupFolder();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        await own.SignUpAsync("ada@example.com");
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);

        var written = await OnTerminalAsync(own.Store, $"backup '{folder.File}'");
        var restored = await OnTerminalAsync(store, $"restore '{folder.File}'");

        written.ShouldMatch(@"Written profiles: \d of 1 rows, \d+ %");
        written.ShouldContain("has the store as of ");
        restored.ShouldMatch(@"Restored profiles: \d of 1 rows, \d+ %");
        restored.ShouldContain("The store is as of ");
    }

    [Theory, OnBothEngines, Trait("Platform", "Unix")]
    public async Task A_restore_of_an_older_schema_names_each_file_that_is_newer(StorageEngine engine)
    {
        using var folder = new BackupFolder();
        await using var old = await TestStore.CreateAsync(engine, servers.Postgres);
        await old.BackUpOlderAsync(folder, version: 26);
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);

        var restored = await OnTerminalAsync(store, $"restore '{folder.Other}'");

        restored.ShouldContain("Applying 0027_store_history: 0 of 1 files, 0 %");
    }

    [Fact]
    public async Task Without_a_terminal_nothing_is_shown()
    {
        await using var store = await TestStore.CreateAsync(StorageEngine.Sqlite, servers.Postgres);

        var result = await ServerProcess.RunAsync(["migrate-schema"], store.Settings, Cancellation);

        result.OrThrow("migrate-schema").Error.ShouldBeEmpty();
    }

    private static async Task<string> OnTerminalAsync(TestStore store, string command)
    {
        var line = $"'{ServerProcess.Muxer()}' '{ServerProcess.Assembly}' {command}";
        var result = await Command.RunAsync(
            "script", ["--quiet", "--return", "--command", line, "/dev/null"], store.Settings, cancellationToken: Cancellation);
        return result.OrThrow(command).Output;
    }
}
