using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Storage;

/// <summary>The embedded database is readable by its owner alone.</summary>
public sealed class PrivateFilesTests : IDisposable
{
    private const UnixFileMode Everybody =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupWrite
        | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pyresolve-modes-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("000")]
    [InlineData("022")]
    [InlineData("077")]
    public async Task Whatever_the_umask_no_other_user_can_read_the_files_or_the_folder(string umask)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no modes.");
        var data = Path.Combine(_folder.FullName, "data");

        var result = await Command.RunAsync(
            "/bin/sh",
            ["-c", $"umask {umask}; exec dotnet \"$0\" migrate-schema", ServerProcess.Assembly],
            new Dictionary<string, string?> { ["PYRESOLVE_DATA"] = data, ["DATABASE_URL"] = null, ["ASPNETCORE_ENVIRONMENT"] = null },
            cancellationToken: TestContext.Current.CancellationToken);

        result.OrThrow("migrate-schema");
        ModeOf(data).ShouldBe(PrivateData.FolderMode);
        Directory.EnumerateFiles(data).ShouldNotBeEmpty();
        Directory.EnumerateFiles(data).ShouldAllBe(file => IsPrivate(file));
    }

    [Fact]
    public async Task Files_that_an_earlier_version_made_are_closed_and_a_folder_with_nothing_else_in_it_too()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no modes.");
        await using var server = await ServerProcess.StartAsync(
            new Dictionary<string, string?> { ["PYRESOLVE_DATA"] = _folder.FullName }, TestContext.Current.CancellationToken);
        await TestAccount.SignUpAsync(server.Http);
        await server.KillAsync();
        Directory.EnumerateFiles(_folder.FullName, "pyresolve.db*").Count().ShouldBe(3);
        foreach (var file in Directory.EnumerateFiles(_folder.FullName))
            Open(file);
        Open(_folder.FullName);

        await server.RestartAsync(TestContext.Current.CancellationToken);

        ModeOf(_folder.FullName).ShouldBe(PrivateData.FolderMode);
        Directory.EnumerateFiles(_folder.FullName, "pyresolve.db*").ShouldAllBe(file => IsPrivate(file));
    }

    [Fact]
    public void A_folder_with_other_things_in_it_keeps_its_mode()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no modes.");
        File.WriteAllText(Path.Combine(_folder.FullName, "others.txt"), "");
        Open(_folder.FullName);

        PrivateData.Protect(Path.Combine(_folder.FullName, "pyresolve.db"));

        ModeOf(_folder.FullName).ShouldBe(Everybody);
        IsPrivate(Path.Combine(_folder.FullName, "pyresolve.db")).ShouldBeTrue();
    }

    private static bool IsPrivate(string file) => ModeOf(file) == PrivateData.FileMode;

    private static UnixFileMode ModeOf(string path) => OperatingSystem.IsWindows() ? default : File.GetUnixFileMode(path);

    private static void Open(string path)
    {
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, Everybody);
    }
}
