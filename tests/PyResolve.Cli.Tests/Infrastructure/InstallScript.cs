namespace PyResolve.Cli.Tests.Infrastructure;

/// <summary>deploy/install.sh for a user with an empty home, whose PATH has few programs, and a release that it installs from.</summary>
internal sealed class InstallScript : IDisposable
{
    // What every system has.
    private const string Usual = "sh uname ldd ls grep sed head mktemp rm mkdir cp mv chmod tar gzip sha256sum cat";

    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("pyresolve-install-");
    private ReleaseServer? _release;

    public static string Script { get; } = Path.Combine(ReleaseServer.Root, "deploy/install.sh");

    public string Home => _home.FullName;

    /// <summary>Where it installs to by default.</summary>
    public string Installed => Path.Combine(Home, ".local/bin/pyresolve");

    public ReleaseServer Release => _release ?? throw new InvalidOperationException("The release was not started.");

    private string Programs => Directory.CreateDirectory(Path.Combine(Home, "bin")).FullName;

    public async Task StartReleaseAsync() => _release = await ReleaseServer.StartAsync();

    public static Task<CommandResult> StartAsync(string file, string[] arguments, Dictionary<string, string?>? environment = null) =>
        Command.RunAsync(file, arguments, environment, cancellationToken: TestContext.Current.CancellationToken);

    /// <param name="programs">Those in PATH beside the usual ones.</param>
    /// <param name="releases">The address of the releases; by default that of <see cref="Release"/>.</param>
    /// <param name="folder">To install into.</param>
    /// <param name="without">A usual program that is missing.</param>
    /// <param name="laterInPath">A folder in PATH after that of the programs.</param>
    /// <param name="arguments">Of the script.</param>
    public Task<CommandResult> RunAsync(
        string programs = "curl",
        string? releases = null,
        string? folder = null,
        string? without = null,
        string? laterInPath = null,
        params string[] arguments)
    {
        var environment = Environment(programs, releases);
        environment["PYRESOLVE_INSTALL"] = folder;
        if (laterInPath is not null)
            environment["PATH"] += $":{laterInPath}";
        if (without is not null)
            File.Delete(Path.Combine(Programs, without));
        return StartAsync("/bin/sh", [Script, .. arguments], environment);
    }

    public Dictionary<string, string?> Environment(string programs, string? releases = null)
    {
        foreach (var name in $"{Usual} {programs}".Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var path = new[] { "/usr/bin", "/bin" }.Select(place => Path.Combine(place, name)).First(File.Exists);
            if (!File.Exists(Path.Combine(Programs, name)))
                File.CreateSymbolicLink(Path.Combine(Programs, name), path);
        }
        return new()
        {
            ["PATH"] = Programs,
            ["HOME"] = Home,
            ["PYRESOLVE_RELEASES"] = releases ?? Release.Releases,
            ["PYRESOLVE_INSTALL"] = null,
            ["PYRESOLVE_HOME"] = null,
            ["http_proxy"] = null,
            ["no_proxy"] = "127.0.0.1",
        };
    }

    /// <summary>A program in PATH, in the place of the usual one of that name.</summary>
    public void CreateProgram(string name, string script)
    {
        var file = Path.Combine(Programs, name);
        File.WriteAllText(file, $"#!/bin/sh\n{script}\n");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>It says what went wrong, and what to do, and leaves nothing behind.</summary>
    public void ShouldFail(CommandResult result, string cause, string next)
    {
        result.ExitCode.ShouldBe(1, result.Output + result.Error);
        result.Error.ShouldStartWith($"✗ {cause}");
        result.Error.ShouldContain(next);
        File.Exists(Installed).ShouldBeFalse();
    }

    public void Dispose()
    {
        _release?.Dispose();
        _home.Delete(recursive: true);
    }
}
