using System.Text.Json;

namespace PyResolve.Server.Tests.Backups;

/// <summary><c>backup</c> and <c>restore</c>: everything in one file, from and into either engine.</summary>
public sealed class BackupTests(SharedServers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(StorageEngine.Sqlite, StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Sqlite, StorageEngine.Postgres)]
    [InlineData(StorageEngine.Postgres, StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres, StorageEngine.Postgres)]
    public async Task A_backup_has_every_row_and_restores_them_into_either_engine(StorageEngine from, StorageEngine into)
    {
        using var folder = new BackupFolder();
        await using var own = await OwnServer.StartAsync(from, servers.Postgres);
        var account = await UsedAccountAsync(own);
        await using var store = await TestStore.CreateAsync(into, servers.Postgres);

        var backup = await BackupFolder.RunAsync(own.Store, "backup", folder.File, "--json");
        var restored = await BackupFolder.RunAsync(store, "restore", folder.File, "--json");
        var again = await BackupFolder.RunAsync(store, "backup", folder.Other, "--json");

        var tables = Tables(backup.OrThrow("backup").Output);
        tables.ShouldContain(table => table.StartsWith("usage_events 2 ", StringComparison.Ordinal));
        Tables(restored.OrThrow("restore").Output).ShouldBe(tables);
        Tables(again.OrThrow("backup of the restored store").Output).ShouldBe(tables);
        await using var server = await TestServer.StartAsync(store, clock: own.Clock);
        var quota = await server.WithKey(account.ApiKey).GetAsync("/quota");
        (quota["migrations_used"].GetInt64(), quota["migrations_held"].GetInt64()).ShouldBe((2, 1));
    }

    /// <summary>The store of the backup may have sent them since.</summary>
    [Theory, OnBothEngines]
    public async Task Overage_that_was_not_sent_may_be_known_to_Stripe_after_a_restore(StorageEngine engine)
    {
        using var folder = new BackupFolder();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync("ada@example.com");
        var at = engine is StorageEngine.Sqlite ? "0" : "now()";
        await own.Store.ExecuteSqlAsync(
            $"""
            insert into meter_events (identifier, user_id, event_id, plan, units, created_at, due_at)
            values ('one', '{account.UserId}', '{account.UserId}', 'pro', 1, {at}, {at})
            """);
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
        (await BackupFolder.RunAsync(own.Store, "backup", folder.File)).OrThrow("backup");

        (await BackupFolder.RunAsync(store, "restore", folder.File)).OrThrow("restore");

        (await store.ReadNumberAsync("select count(*) from meter_events where first_tried_at is not null")).ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task A_store_that_is_not_empty_is_left_alone(StorageEngine engine)
    {
        using var folder = new BackupFolder();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        await own.SignUpAsync("ada@example.com");
        (await BackupFolder.RunAsync(own.Store, "backup", folder.File)).OrThrow("backup");

        var restored = await BackupFolder.RunAsync(own.Store, "restore", folder.File);

        (restored.ExitCode, restored.Output).ShouldBe((1, ""));
        restored.Error.ShouldContain("The store is not empty: ");
        restored.Error.ShouldContain(
            engine is StorageEngine.Sqlite ? "name a new folder in PYRESOLVE_DATA." : "name an empty database in DATABASE_URL.");
        (await own.Store.ReadNumberAsync("select count(*) from profiles")).ShouldBe(1);
    }

    [Fact]
    public async Task A_backup_never_replaces_a_file_and_only_its_owner_reads_it()
    {
        using var folder = new BackupFolder();
        await using var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);

        (await BackupFolder.RunAsync(own.Store, "backup", folder.File)).OrThrow("backup");
        var second = await BackupFolder.RunAsync(own.Store, "backup", folder.File);

        (second.ExitCode, second.Error.Trim()).ShouldBe((2, $"{folder.File} exists already. Name a new file, or remove that one."));
        if (!OperatingSystem.IsWindows())
            File.GetUnixFileMode(folder.File).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    /// <summary>Two migrations, one of them by a reservation, and one held.</summary>
    private static async Task<TestAccount> UsedAccountAsync(OwnServer own)
    {
        var account = await own.SignUpAsync("ada@example.com");
        var hold = await account.Key.PostAsync("/quota/reservations", new { tier = "tier1", library = "pydantic" });
        var commit = $"/quota/reservations/{hold["id"].GetString()}/commit";
        (await account.Key.PostAsync(commit, new { files_changed = 3 })).Status.ShouldBe(200);
        var usage = new { event_type = "migration", metadata = new { note = "☃ \"quoted\"" } };
        (await account.Key.PostAsync("/usage", usage)).Status.ShouldBe(200);
        (await account.Key.PostAsync("/quota/reservations", new { tier = "tier1" })).Status.ShouldBe(201);
        return account;
    }

    private static List<string> Tables(string json)
    {
        using var summary = JsonDocument.Parse(json);
        return
        [
            .. summary.RootElement.GetProperty("tables").EnumerateArray().Select(static table =>
                $"{table.GetProperty("table")} {table.GetProperty("rows")} {table.GetProperty("sha256")}"),
        ];
    }
}
