using System.Diagnostics;
using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

[Trait("Platform", "Unix")]
public sealed class InterruptionTests : IDisposable
{
    private readonly CliDriver _cli = new CliDriver().WithFile("app.py", "v1\n");
    private readonly FakePyResolveServer _server = FakeServer.Start();

    public InterruptionTests() => _cli.WithLogin(_server);

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    [InlineData("HUP")]
    [InlineData("QUIT")]
    public async Task A_migrator_that_is_writing_gets_the_same_signal_and_the_time_to_finish(string signal)
    {
        const string FinishesFirst = """
            sh -c 'trap "sleep 1; echo whole > \"$1/app.py\"; exit 7" SIGNAL; echo half > "$1/app.py"; touch "$1/ready"; while :; do sleep 0.1; done' sh {path}
            """;
        var migrator = FinishesFirst.Replace("SIGNAL", signal, StringComparison.Ordinal).Trim();
        using var process = _cli.Start("upgrade", "pydantic", "--target", "2.0", "--migrator", migrator);
        await WaitForFileAsync("ready");

        await SendAsync(signal, process);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        process.ExitCode.ShouldBe(130);
        _cli.Read("app.py").ShouldBe("whole\n");
        _server.Routes.ShouldBe(["POST /quota/reservations", FakeServer.ReleaseRoute]);
    }

    [Fact]
    [Trait("Platform", "Linux")]
    public async Task A_program_behind_a_shell_script_gets_the_signal_and_the_time_to_finish_too()
    {
        _cli.WithFile(
            "writer.sh",
            "trap 'sleep 1; echo whole > app.py; exit 7' TERM; echo half > app.py; touch ready; while :; do sleep 0.1; done");
        using var process = _cli.Start(
            "upgrade", "pydantic", "--target", "2.0", "--migrator", "sh -c 'cd \"$1\"; sh writer.sh; true' sh {path}");
        await WaitForFileAsync("ready");

        await SendAsync("TERM", process);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        process.ExitCode.ShouldBe(130);
        _cli.Read("app.py").ShouldBe("whole\n");
    }

    [Fact]
    public async Task The_second_SIGHUP_of_a_closed_terminal_leaves_the_migrator_its_time()
    {
        _cli.WithFile(
            "writer.sh", "trap 'sleep 1; echo whole > app.py; exit 7' HUP; touch ready; while :; do sleep 0.1; done");
        using var process = _cli.Start(
            "upgrade", "pydantic", "--target", "2.0", "--migrator", "sh -c 'cd \"$1\"; exec sh writer.sh' sh {path}");
        await WaitForFileAsync("ready");

        await SendAsync("HUP", process);
        await SendAsync("HUP", process);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        process.ExitCode.ShouldBe(130);
        _cli.Read("app.py").ShouldBe("whole\n");
    }

    [Theory]
    [InlineData("--grace 1", false)]
    [InlineData("--grace 300", true)]
    public async Task A_migrator_that_does_not_end_is_killed_after_the_grace_or_at_a_second_signal(string grace, bool isRepeated)
    {
        const string Ignores = "sh -c 'trap \"touch \\\"$1/got\\\"\" TERM; touch \"$1/ready\"; while :; do sleep 0.1; done' sh {path}";
        using var process = _cli.Start(["upgrade", "pydantic", "--target", "2.0", "--migrator", Ignores, .. grace.Split(' ')]);
        await WaitForFileAsync("ready");

        await SendAsync("TERM", process);
        await WaitForFileAsync("got");
        if (isRepeated)
            await SendAsync("TERM", process);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        process.ExitCode.ShouldBe(130);
        _server.Routes.ShouldBe(["POST /quota/reservations", FakeServer.ReleaseRoute]);
    }

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    [InlineData("HUP")]
    [Trait("Platform", "Linux")]
    public async Task An_interrupted_upgrade_stops_the_migrator_with_its_children_and_releases_the_reservation(string signal)
    {
        const string StartsAnother = "sh -c 'sleep 300 & echo $! > \"$1/pid.tmp\"; mv \"$1/pid.tmp\" \"$1/pid\"; wait' sh {path}";
        using var process = _cli.Start("upgrade", "pydantic", "--target", "2.0", "--migrator", StartsAnother);
        await WaitForFileAsync("pid");
        var grandchild = _cli.Read("pid").Trim();

        await SendAsync(signal, process);
        var error = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        process.ExitCode.ShouldBe(130, error);
        error.ShouldContain("✗ Interrupted.");
        error.ShouldContain("No migration was used.");
        error.ShouldNotContain("Exception");
        _server.Routes.ShouldBe(["POST /quota/reservations", FakeServer.ReleaseRoute]);
        await Eventually.IsTrueAsync(() => !IsRunning(grandchild), cancellationToken: TestContext.Current.CancellationToken);
    }

    [Fact]
    [Trait("Platform", "Linux")]
    public async Task Ctrl_C_reaches_the_migrator_once_also_when_standard_input_is_not_the_terminal()
    {
        _cli.WithFile(
            "count.sh", "trap 'echo got >> signals' INT; touch ready; i=0; while [ $i -lt 20 ]; do sleep 0.1; i=$((i+1)); done; exit 7");
        await using var terminal = _cli.StartShellInTerminal(
            80, $"exec {CliDriver.ShellCommand} upgrade pydantic --target 2.0 --migrator 'sh count.sh' < /dev/null");
        await WaitForFileAsync("ready");

        terminal.Type("\x03");
        var result = await terminal.WaitForExitAsync();

        result.ExitCode.ShouldBe(130, result.Screen);
        _cli.Read("signals").ShouldBe("got\n");
    }

    [Fact]
    public async Task An_interrupted_wait_for_the_server_ends_at_once()
    {
        _server.Inject(Fault.Hang, "GET /me", int.MaxValue);
        using var process = _cli.Start("status");
        await Eventually.IsTrueAsync(() => _server.Requests.Count == 1, TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        var start = Stopwatch.GetTimestamp();
        await SendAsync("INT", process);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        process.ExitCode.ShouldBe(130);
        Stopwatch.GetElapsedTime(start).ShouldBeLessThan(TimeSpan.FromSeconds(5));
    }

    public void Dispose()
    {
        _server.Dispose();
        _cli.Dispose();
    }

    private static async Task SendAsync(string signal, Process process) => (await Command.RunAsync(
        "kill", [$"-{signal}", $"{process.Id}"], cancellationToken: TestContext.Current.CancellationToken)).OrThrow("kill");

    private Task<TimeSpan> WaitForFileAsync(string name) => Eventually.IsTrueAsync(
        () => File.Exists(Path.Combine(_cli.Project, name)), TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

    /// <summary>A zombie has ended: it only waits for its parent to read the exit code.</summary>
    private static bool IsRunning(string processId)
    {
        var status = $"/proc/{processId}/status";
        try
        {
            return File.Exists(status) && !File.ReadAllText(status).Contains("State:\tZ", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }
}
