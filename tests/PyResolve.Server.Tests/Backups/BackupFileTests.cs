namespace PyResolve.Server.Tests.Backups;

/// <summary>A file that cannot be written or read is named as it was typed, with what helps.</summary>
public sealed class BackupFileTests(SharedServers servers)
{
    [Fact]
    public async Task A_folder_in_place_of_the_file_to_write_is_refused()
    {
        using var folder = new BackupFolder();
        Directory.CreateDirectory(folder.Keys);

        var refused = await RunAsync("backup", folder.Keys);

        (refused.ExitCode, refused.Output).ShouldBe((2, ""));
        refused.Error.Trim().ShouldBe($"{folder.Keys} is a folder. Name a file in it, such as {folder.Keys}/pyresolve.backup.");
        folder.Files.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_folder_that_is_missing_is_named_before_anything_is_read()
    {
        using var folder = new BackupFolder();
        var file = Path.Combine(folder.Keys, "pyresolve.backup");

        var refused = await RunAsync("backup", file);

        (refused.ExitCode, refused.Output).ShouldBe((2, ""));
        refused.Error.Trim().ShouldStartWith($"{file} cannot be written: there is no folder {folder.Keys} ");
        refused.Error.ShouldContain("Create it first (mkdir -p)");
    }

    [Fact, Trait("Platform", "Linux")]
    public async Task A_folder_that_takes_no_file_is_an_error_about_the_file_that_was_asked_for()
    {
        // Nobody can make files there, not even root.
        const string File = "/sys/pyresolve.backup";

        var refused = await RunAsync("backup", File);

        (refused.ExitCode, refused.Output).ShouldBe((1, ""));
        refused.Error.Trim().ShouldMatch($@"^{File} cannot be written: [^/\n]+\. Nothing is left of it\. Name a file in a folder [^/\n]+$");
    }

    [Fact]
    public async Task A_folder_in_place_of_the_file_to_read_is_refused()
    {
        using var folder = new BackupFolder();
        Directory.CreateDirectory(folder.Keys);

        var refused = await RunAsync("restore", folder.Keys);

        (refused.ExitCode, refused.Output).ShouldBe((2, ""));
        refused.Error.Trim().ShouldBe($"{folder.Keys} is a folder. Name the file in it that the command backup has written.");
    }

    [Fact]
    public async Task A_file_that_is_not_there_is_refused()
    {
        using var folder = new BackupFolder();

        var refused = await RunAsync("restore", folder.File);

        (refused.ExitCode, refused.Output).ShouldBe((2, ""));
        refused.Error.ShouldStartWith($"There is no file {folder.File} ");
        refused.Error.ShouldContain("Name one that the command backup has written.");
    }

    [Fact, Trait("Platform", "Linux")]
    public async Task A_folder_that_does_not_take_the_keys_is_named_without_the_file_that_was_tried()
    {
        using var folder = new BackupFolder();
        await using var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);
        (await own.Server.Anonymous.GetAsync("/.well-known/jwks.json")).Status.ShouldBe(200);
        (await BackupFolder.RunAsync(own.Store, "backup", folder.File, "--with-keys")).OrThrow("backup");
        await using var store = await TestStore.CreateAsync(StorageEngine.Sqlite, servers.Postgres);

        var refused = await BackupFolder.RunAsync(store, "restore", folder.File, "--keys-to", "/sys");

        refused.ExitCode.ShouldBe(1, refused.Output);
        refused.Error.Trim().ShouldMatch(
            @"^The keys of the backup cannot be written to /sys: [^/\n]+ Nothing was restored\. Name a folder [^/\n]+--keys-to\.$");
    }

    private async Task<CommandResult> RunAsync(params string[] command)
    {
        await using var store = await TestStore.CreateReadyAsync(StorageEngine.Sqlite, servers.Postgres);
        return await BackupFolder.RunAsync(store, command);
    }
}
