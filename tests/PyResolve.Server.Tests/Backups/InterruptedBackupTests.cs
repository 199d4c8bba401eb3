namespace PyResolve.Server.Tests.Backups;

/// <summary>A backup or a restore that cannot go on leaves nothing, and says so.</summary>
public sealed class InterruptedBackupTests(SharedServers servers)
{
    private const int Events = 100_000;
    private const int RoomInBlocks = 2_048;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, OnBothEngines, Trait("Platform", "Unix")]
    public async Task A_backup_that_is_interrupted_leaves_no_file(StorageEngine engine)
    {
        using var folder = new BackupFolder();
        await using var store = await CreateFilledAsync(engine);
        var writing = Eventually.IsTrueAsync(
            () => folder.Files.Any(static file => new FileInfo(file).Length > 0), TimeSpan.FromMinutes(1), Cancellation);

        var result = await ServerProcess.InterruptAsync(["backup", folder.File], store.Settings, writing, Cancellation);

        result.ExitCode.ShouldBe(130, result.Error);
        result.Error.Trim().ShouldBe("Interrupted before it was done. Run it again.");
        folder.Files.ShouldBeEmpty();
    }

    [Theory, OnBothEngines, Trait("Platform", "Unix")]
    public async Task A_restore_that_is_interrupted_leaves_the_store_empty_and_says_so(StorageEngine engine)
    {
        using var folder = new BackupFolder();
        await using (var from = await CreateFilledAsync(engine))
            (await BackupFolder.RunAsync(from, "backup", folder.File)).OrThrow("backup");
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
        var storing = Eventually.IsTrueAsync(() => IsStoringAsync(store), TimeSpan.FromMinutes(1), Cancellation);

        var result = await ServerProcess.InterruptAsync(["restore", folder.File], store.Settings, storing, Cancellation);

        result.ExitCode.ShouldBe(130, result.Error);
        result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).ShouldBe(
            ["Nothing was restored.", "Interrupted before it was done. Run it again."]);
        (await store.HasTablesAsync()).ShouldBeFalse();
    }

    /// <summary>The limit of a file's size stands for the disk.</summary>
    [Theory, OnBothEngines, Trait("Platform", "Unix")]
    public async Task A_backup_that_finds_no_room_leaves_no_file_and_names_the_one_that_was_asked_for(StorageEngine engine)
    {
        using var folder = new BackupFolder();
        await using var store = await CreateFilledAsync(engine);

        var result = await RunWithoutRoomAsync(store, "backup", folder.File);

        result.ExitCode.ShouldBe(1, result.Error);
        result.Error.ShouldStartWith($"{folder.File} cannot be written: the file is too large");
        result.Error.ShouldContain("Name a file in a folder with room");
        result.Error.Trim().ShouldNotContain("\n");
        folder.Files.ShouldBeEmpty();
    }

    [Fact, Trait("Platform", "Unix")]
    public async Task A_restore_beside_which_there_is_no_room_leaves_the_store_empty_and_says_so()
    {
        using var folder = new BackupFolder();
        await using (var from = await CreateFilledAsync(StorageEngine.Sqlite))
            (await BackupFolder.RunAsync(from, "backup", folder.File)).OrThrow("backup");
        await using var store = await TestStore.CreateAsync(StorageEngine.Sqlite, servers.Postgres);

        var result = await RunWithoutRoomAsync(store, "restore", folder.File);

        result.ExitCode.ShouldBe(1, result.Error);
        result.Error.ShouldStartWith("The disk of the database ");
        result.Error.ShouldContain("Nothing was restored.");
        (await store.HasTablesAsync()).ShouldBeFalse();
    }

    private static Task<CommandResult> RunWithoutRoomAsync(TestStore store, string command, string file) => Command.RunAsync(
        "sh",
        ["-c", $"trap '' XFSZ; ulimit -f {RoomInBlocks}; exec \"$0\" \"$@\"", ServerProcess.Muxer(), ServerProcess.Assembly, command, file],
        // Otherwise the runtime needs a large file of its own, in memory.
        new Dictionary<string, string?>(store.Settings) { ["DOTNET_EnableWriteXorExecute"] = "0" },
        cancellationToken: Cancellation);

    private async Task<TestStore> CreateFilledAsync(StorageEngine engine)
    {
        var store = await TestStore.CreateReadyAsync(engine, servers.Postgres);
        await store.InsertAccountAsync();
        await store.InsertEventsAsync(Events);
        return store;
    }

    /// <summary>Whether rows were written that are not committed.</summary>
    private static async Task<bool> IsStoringAsync(TestStore store)
    {
        if (store.Engine is StorageEngine.Postgres)
        {
            return await store.ReadNumberAsync(
                "select count(*) from pg_stat_progress_copy where datname = current_database() and tuples_processed > 0") > 0;
        }

        var log = new FileInfo(Path.Combine(store.Settings["PYRESOLVE_DATA"]!, "pyresolve.db-wal"));
        return log is { Exists: true, Length: > 1 << 20 };
    }
}
