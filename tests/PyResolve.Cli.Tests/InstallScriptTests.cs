using System.Diagnostics;
using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

/// <summary>deploy/install.sh, as a user without root runs it, against a release on loopback.</summary>
[Trait("Platform", "Linux")]
public sealed class InstallScriptTests : IAsyncLifetime
{
    private readonly InstallScript _script = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await _script.StartReleaseAsync();

    [Theory]
    [InlineData]
    [InlineData("1.2.3")]
    [InlineData("v1.2.3")]
    public async Task It_installs_a_program_that_runs(params string[] version)
    {
        var result = await _script.RunAsync(arguments: version);

        result.ExitCode.ShouldBe(0, result.Error);
        result.Output.ShouldContain($"✓ Installed pyresolve 0.1.0 as {_script.Installed}");
        result.Output.ShouldContain($"is not in PATH. For this shell, and as a line in ~/.profile for later ones: "
            + $"export PATH=\"{_script.Home}/.local/bin:$PATH\"");
        (await InstallScript.StartAsync(_script.Installed, ["--version"])).Output.ShouldBe("0.1.0\n");
    }

    [Fact]
    public async Task It_replaces_the_version_before()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_script.Installed)!);
        await File.WriteAllTextAsync(_script.Installed, "old", Cancellation);

        (await _script.RunAsync()).ExitCode.ShouldBe(0);

        (await InstallScript.StartAsync(_script.Installed, ["--version"])).Output.ShouldBe("0.1.0\n");
        Directory.GetFiles(Path.GetDirectoryName(_script.Installed)!).ShouldBe([_script.Installed]);
    }

    [Fact]
    public async Task It_replaces_a_program_that_is_running()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_script.Installed)!);
        File.Copy("/bin/sleep", _script.Installed);
        using var running = Process.Start(_script.Installed, "600");
        try
        {
            (await _script.RunAsync()).ExitCode.ShouldBe(0);

            running.HasExited.ShouldBeFalse();
            (await InstallScript.StartAsync(_script.Installed, ["--version"])).Output.ShouldBe("0.1.0\n");
        }
        finally
        {
            running.Kill();
        }
    }

    [Fact]
    public async Task A_folder_in_PATH_is_not_mentioned()
    {
        var result = await _script.RunAsync(folder: Path.Combine(_script.Home, "bin/"));

        result.ExitCode.ShouldBe(0, result.Error);
        result.Output.ShouldBe($"✓ Installed pyresolve 0.1.0 as {_script.Home}/bin/pyresolve\n");
    }

    [Fact]
    public async Task Another_pyresolve_that_comes_first_in_PATH_is_named()
    {
        _script.CreateProgram("pyresolve", "exit 1");
        var later = Directory.CreateDirectory(Path.Combine(_script.Home, "later")).FullName;

        var result = await _script.RunAsync(folder: later, laterInPath: later);

        result.Output.ShouldContain($"Your shell finds another pyresolve first: {_script.Home}/bin/pyresolve.");
    }

    [Fact]
    public async Task It_uninstalls_what_it_installed_and_keeps_the_logins()
    {
        (await _script.RunAsync()).ExitCode.ShouldBe(0);
        var config = Directory.CreateDirectory(Path.Combine(_script.Home, ".pyresolve")).FullName + "/config.toml";
        await File.WriteAllTextAsync(config, "", Cancellation);

        var result = await _script.RunAsync(arguments: "--uninstall");

        result.Output.ShouldStartWith($"✓ Removed {_script.Installed}\n");
        Directory.GetFiles(Path.GetDirectoryName(_script.Installed)!).ShouldBeEmpty();
        File.Exists(config).ShouldBeTrue();
        _script.ShouldFail(await _script.RunAsync(arguments: "--uninstall"), $"There is no {_script.Installed}", "PYRESOLVE_INSTALL=");
    }

    [Fact]
    public async Task It_works_with_wget_where_there_is_no_curl()
    {
        var result = await _script.RunAsync(programs: "wget");

        result.ExitCode.ShouldBe(0, result.Error);
    }

    [Fact]
    public async Task With_musl_it_wants_the_program_for_musl()
    {
        _script.CreateProgram("ldd", "echo 'musl libc (x86_64)' >&2; exit 1");

        _script.ShouldFail(await _script.RunAsync(), "The release has no program for linux-musl-x64", "dotnet tool install");
    }

    [Fact]
    public async Task Half_of_the_script_does_nothing()
    {
        var script = await File.ReadAllTextAsync(InstallScript.Script, Cancellation);
        var environment = _script.Environment("curl wget");

        for (var part = 1; part < 8; part++)
            await InstallScript.StartAsync("sh", ["-c", script[..(script.Length * part / 8)]], environment);

        File.Exists(_script.Installed).ShouldBeFalse();
    }

    [Fact]
    public async Task The_scripts_of_the_GitHub_action_install_it_and_say_which_version()
    {
        var action = Path.Combine(ReleaseServer.Root, "deploy/action");
        var environment = _script.Environment("curl bash");
        environment["RUNNER_TOOL_CACHE"] = Path.Combine(_script.Home, "tools");
        environment["GITHUB_OUTPUT"] = Path.Combine(_script.Home, "output");
        environment["GITHUB_PATH"] = Path.Combine(_script.Home, "path");

        environment["VERSION"] = "1.2.3";
        environment["RUNNER_OS"] = "Linux";
        environment["RUNNER_ARCH"] = "X64";
        environment["GITHUB_ACTION_PATH"] = action;

        foreach (var script in ScriptsOf(await File.ReadAllTextAsync(Path.Combine(action, "action.yml"), Cancellation)))
        {
            (await InstallScript.StartAsync("/bin/bash", ["-euo", "pipefail", "-c", script], environment)).OrThrow(script);
            var written = await File.ReadAllTextAsync(environment["GITHUB_OUTPUT"]!, Cancellation);
            environment["PYRESOLVE_INSTALL"] = written.Split('\n')[0]["path=".Length..];
        }

        var folder = Path.Combine(_script.Home, "tools/pyresolve/1.2.3/X64");
        (await File.ReadAllTextAsync(environment["GITHUB_PATH"]!, Cancellation)).Trim().ShouldBe(folder);
        (await File.ReadAllTextAsync(environment["GITHUB_OUTPUT"]!, Cancellation)).ShouldEndWith("version=0.1.0\n");
        (await InstallScript.StartAsync(Path.Combine(folder, "pyresolve"), ["--version"])).Output.ShouldBe("0.1.0\n");
    }

    public ValueTask DisposeAsync()
    {
        _script.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>What follows <c>run:</c>, on its line or in the lines below it.</summary>
    private static IEnumerable<string> ScriptsOf(string action) =>
        from step in action.Split("\n    - name: ").Skip(1)
        let run = step.IndexOf("\n      run: ", StringComparison.Ordinal)
        where run >= 0
        select step[(run + "\n      run: ".Length)..].TrimStart('|', '\n').Split("\n    #")[0];
}
