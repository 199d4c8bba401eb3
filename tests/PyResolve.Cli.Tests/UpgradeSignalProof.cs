using System.Diagnostics;
using PyResolve.Cli.Migrations;
using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

/// <summary>
/// Upgrades of a project of 5,000 files are stopped by every signal at several points. Afterwards each file is whole, the quota counts what
/// was completed, and nothing waits to be sent.
/// </summary>
[Trait("Category", "Proof")]
[Trait("Platform", "Linux")]
public sealed class UpgradeSignalProof : IAsyncLifetime
{
    private const int Files = 5_000;
    private static readonly TimeSpan LongestHold = TimeSpan.FromMinutes(2);

    private readonly CliDriver _cli = new();
    private readonly PythonProject _project;
    private ServerProcess _server = null!;
    private TestAccount _account = null!;

    public UpgradeSignalProof() => _project = new PythonProject(_cli, Files);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await ServerProcess.StartAsync(cancellationToken: Cancellation);
        _account = await TestAccount.SignUpAsync(_server.Http);
        (await _cli.RunWithInputAsync(_account.ApiKey, "login", "--with-key", "--api-url", _server.Address.OriginalString)).ShouldSucceed();
        _project.Write();
    }

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    [InlineData("HUP")]
    [InlineData("QUIT")]
    [InlineData("KILL")]
    public async Task An_upgrade_that_is_stopped_leaves_files_quota_and_outbox_consistent(string signal)
    {
        // When so many modules are rewritten; -1 is before the migrator starts.
        int[] points = Scale.Pick<int[]>([-1, Files / 2], [-1, 0, 1, 500, Files / 2, 4_000, Files - 2]);
        var stoppedAt = new List<int>();
        foreach (var point in points)
        {
            _project.Write();
            var used = (await _account.QuotaAsync()).Used;

            await StopAtAsync(point, signal);

            _project.FindBroken().Where(name => signal != "KILL" || !name.EndsWith(".pyresolve-new", StringComparison.Ordinal))
                .ShouldBeEmpty();
            var quota = await _account.QuotaAsync();
            var rewritten = _project.CountRewritten();
            quota.Used.ShouldBeInRange(used, rewritten == Files ? used + 1 : used);
            if (signal == "KILL")
                await ReleaseHoldsAsync();
            else
                quota.Held.ShouldBe(0);
            (await _cli.RunAsync("sync")).Output.ShouldContain("Nothing waits to be sent");
            stoppedAt.Add(rewritten);
        }

        Proofs.Report(
            "Upgrades that are stopped",
            $"SIG{signal} to an upgrade of {Files:N0} files, which ended when {string.Join(", ", stoppedAt)} of them were rewritten: "
            + "every file whole, nothing charged for what did not end, nothing left to send.");
    }

    [Fact]
    public async Task An_upgrade_of_5000_files_shows_its_progress_and_counts_once()
    {
        await using var terminal = _cli.StartInTerminal(80, "upgrade", "pydantic", "--target", "2.0");

        var result = await terminal.WaitForExitAsync();

        result.ExitCode.ShouldBe(0, result.Text);
        result.Text.ShouldContain("/5,000 files");
        result.Text.ShouldContain("✓ Upgraded pydantic to 2.0: 5,000 files changed");
        _project.CountRewritten().ShouldBe(Files);
        (await _account.QuotaAsync()).ShouldBe(new QuotaView(Used: 1, Held: 0, Remaining: 4));
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _cli.Dispose();
    }

    private async Task StopAtAsync(int point, string signal)
    {
        using var process = _cli.Start("upgrade", "pydantic", "--target", "2.0", "--json");
        var output = process.StandardOutput.ReadToEndAsync(Cancellation);
        var error = process.StandardError.ReadToEndAsync(Cancellation);
        await Eventually.IsTrueAsync(() => IsAtAsync(point, process), TimeSpan.FromSeconds(60), Cancellation);

        var migrators = ProcessTree.FindDescendants(process.Id);
        (await Command.RunAsync("kill", [$"-{signal}", $"{process.Id}"], cancellationToken: Cancellation)).OrThrow("kill");
        await process.WaitForExitAsync(Cancellation);

        // Killed, it cannot stop the migrator, which stops by itself.
        await Eventually.IsTrueAsync(() => !ProcessTree.IsAnyRunning(migrators), TimeSpan.FromSeconds(30), Cancellation);
        process.ExitCode.ShouldBeOneOf(signal == "KILL" ? 137 : 130, 0);
        (await output + await error).ShouldNotContain("Exception");
    }

    private async Task<bool> IsAtAsync(int point, Process process)
    {
        if (process.HasExited)
            return true;
        return point < 0 ? (await _account.QuotaAsync()).Held > 0
            : point == 0 ? ProcessTree.FindDescendants(process.Id).Count > 0
            : _project.IsRewritten(point - 1);
    }

    /// <summary>A killed program gives nothing back: what it held ends by itself, soon.</summary>
    private async Task ReleaseHoldsAsync()
    {
        var holds = (await _account.Key.GetAsync("/quota/reservations?state=held"))["data"];
        holds.GetArrayLength().ShouldBeLessThanOrEqualTo(1);
        foreach (var hold in holds.EnumerateArray())
        {
            (hold.GetProperty("expires_at").GetDateTimeOffset() - TimeProvider.System.GetUtcNow()).ShouldBeLessThan(LongestHold);
            await _account.Key.DeleteAsync($"/quota/reservations/{hold.GetProperty("id").GetString()}");
        }
    }
}
