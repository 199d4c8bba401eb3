using PyResolve.Server.Hosting;

namespace PyResolve.Server.Tests.Hosting;

/// <summary>What is wrong with a file or a folder is said with its name as it was typed, the setting, and what helps.</summary>
public sealed class FileFaultTests : IClassFixture<AnotherUser>, IAsyncDisposable
{
    private readonly AnotherUser _anotherUser;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pyresolve-files-");

    public FileFaultTests(AnotherUser anotherUser)
    {
        _anotherUser = anotherUser;
        File.WriteAllText(Secret, "PYRESOLVE_SIGNUP=closed\n");
        Directory.CreateDirectory(Closed);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Secret => Path.Combine(_folder.FullName, "secret.env");

    private string Closed => Path.Combine(_folder.FullName, "closed");

    public async ValueTask DisposeAsync()
    {
        await ChangeModeAsync("755", Closed);
        _folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData(
        "init --operator ada@example.com --env-file {closed}/pyresolve.env", "",
        "{closed}/pyresolve.env cannot be written: permission denied for {user}. Nothing was changed. Run init as a user that may write "
        + "there, or name another file with --env-file.")]
    [InlineData(
        "init --operator ada@example.com --env-file {closed}", "",
        "{closed} is a folder, and nothing was changed. Name a file in it, such as {closed}/pyresolve.env.")]
    [InlineData(
        "accounts list --env-file {secret}", "",
        "{user} may not read {secret}. Run the command as its owner. For a service, systemd-run with --property=EnvironmentFile={secret} "
        + "reads it for the service's user: docs/install.md.")]
    [InlineData("accounts list --env-file {closed}", "", "{closed} is a folder. Name a file in it, such as {closed}/pyresolve.env.")]
    [InlineData("accounts list --env-file {closed}/none", "", "There is no file {closed}/none. The command init makes one.")]
    [InlineData(
        "migrate-schema", "{closed}",
        "PYRESOLVE_DATA is {closed}, a folder that cannot be used: permission denied for {user}. Run the server and its commands as the "
        + "folder's owner, or: chown -R {user} {closed}")]
    [InlineData(
        "", "{closed}/data",
        "PYRESOLVE_DATA is {closed}/data, a folder that cannot be used: permission denied for {user}. Make it as root: install -d "
        + "-o {user} -m 0700 {closed}/data")]
    [InlineData(
        "migrate-schema", "{secret}", "PYRESOLVE_DATA is {secret}, which is a file. Name a folder for the embedded database.")]
    [Trait("Platform", "Linux")]
    public async Task What_cannot_be_used_is_named_as_it_was_typed_with_what_helps(string command, string data, string message)
    {
        await ChangeModeAsync("755", _folder.FullName);
        await ChangeModeAsync("000", Secret);
        await ChangeModeAsync("555", Closed);
        var folder = data.Length > 0 ? Fill(data) : null;
        var environment = new Dictionary<string, string?> { ["DATABASE_URL"] = null, ["PYRESOLVE_DATA"] = folder };

        var result = await _anotherUser.RunAsync(
            Fill(command).Split(' ', StringSplitOptions.RemoveEmptyEntries), environment, Cancellation);

        result.ExitCode.ShouldBeOneOf(1, 2);
        result.Error.Trim().ShouldBe(Fill(message));
        Directory.EnumerateFileSystemEntries(Closed).ShouldBeEmpty();
    }

    [Fact, Trait("Platform", "Linux")]
    public async Task A_folder_that_only_another_user_may_look_into_is_not_taken_for_an_empty_one()
    {
        await ChangeModeAsync("755", _folder.FullName);
        await ChangeModeAsync("000", Closed);

        var result = await _anotherUser.RunAsync(
            ["accounts", "list"], new Dictionary<string, string?> { ["DATABASE_URL"] = null, ["PYRESOLVE_DATA"] = Closed }, Cancellation);

        result.ExitCode.ShouldBe(1, result.Error);
        result.Error.ShouldStartWith($"PYRESOLVE_DATA is {Closed}, a folder that cannot be used: permission denied for ");
    }

    [Fact, Trait("Platform", "Linux")]
    public void A_key_that_cannot_be_written_is_named_without_its_draft()
    {
        var file = Path.Combine(_folder.FullName, "encryption-key");

        var failure = Should.Throw<IOException>(() => FailingDisk.Run(() => SecretFile.Create(file, static () => "key"), FailingDisk.Full));

        failure.Message.ShouldBe($"{file} cannot be written: {file} did not reach the disk: No space left on device.");
        _folder.EnumerateFiles("encryption-key*").ShouldBeEmpty();
    }

    private static async Task ChangeModeAsync(string mode, string path) =>
        (await Command.RunAsync("chmod", [mode, path], cancellationToken: Cancellation)).OrThrow("chmod");

    private string Fill(string text) => text
        .Replace("{closed}", Closed, StringComparison.Ordinal)
        .Replace("{secret}", Secret, StringComparison.Ordinal)
        .Replace("{user}", Environment.IsPrivilegedProcess ? "nobody" : Environment.UserName, StringComparison.Ordinal);
}
