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
    [Trait("Platform", "Linux")]
    public async Task An_interrupted_upgrade_stops_the_migrator_with_its_children_and_releases_the_reservation(string signal)
    {
        const string StartsAnother = "sh -c 'sleep 300 & echo $! > \"$1/pid.tmp\"; mv \"$1/pid.tmp\" \"$1/pid\"; wait' sh {path}";
        using var process = _cli.Start("upgrade", "pydantic", "--target", "2.0", "--migrator", StartsAnother);
        await Eventually.IsTrueAsync(
            () => File.Exists(Path.Combine(_cli.Project, "pid")), TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        var grandchild = _cli.Read("pid").Trim();

        (await Command.RunAsync("kill", [$"-{signal}", $"{process.Id}"], cancellationToken: TestContext.Current.CancellationToken))
            .OrThrow("kill");
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
    public async Task An_interrupted_wait_for_the_server_ends_at_once()
    {
        _server.Inject(Fault.Hang, "GET /me", int.MaxValue);
        using var process = _cli.Start("status");
        await Eventually.IsTrueAsync(() => _server.Requests.Count == 1, TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        var start = Stopwatch.GetTimestamp();
        (await Command.RunAsync("kill", ["-INT", $"{process.Id}"], cancellationToken: TestContext.Current.CancellationToken))
            .OrThrow("kill");
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        process.ExitCode.ShouldBe(130);
        Stopwatch.GetElapsedTime(start).ShouldBeLessThan(TimeSpan.FromSeconds(5));
    }

    public void Dispose()
    {
        _server.Dispose();
        _cli.Dispose();
    }

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
