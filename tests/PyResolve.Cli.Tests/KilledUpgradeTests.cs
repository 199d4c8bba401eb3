using System.Diagnostics;
using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

/// <summary>An upgrade that cannot release its reservation any more, on the real server.</summary>
[Trait("Platform", "Unix")]
public sealed class KilledUpgradeTests : IAsyncLifetime
{
    private static readonly TimeSpan LongestHold = TimeSpan.FromMinutes(2);
    private readonly CliDriver _cli = new CliDriver().WithFile("app.py", "v0\n");
    private ServerProcess _server = null!;
    private TestAccount _account = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await ServerProcess.StartAsync(cancellationToken: Cancellation);
        _account = await TestAccount.SignUpAsync(_server.Http);
        (await _cli.RunWithInputAsync(_account.ApiKey, "login", "--with-key", "--api-url", _server.Address.OriginalString)).ShouldSucceed();
    }

    [Fact]
    public async Task A_killed_upgrade_holds_its_migration_for_two_minutes_at_most()
    {
        using var process = await StartAsync();

        process.Kill();
        await process.WaitForExitAsync(Cancellation);

        (await EndOfHoldAsync() - TimeProvider.System.GetUtcNow()).ShouldBeLessThanOrEqualTo(LongestHold);
        (await _account.QuotaAsync()).Held.ShouldBe(1);
    }

    [Fact]
    public async Task An_upgrade_that_runs_for_long_renews_its_hold_by_two_minutes_at_most()
    {
        using var process = await StartAsync();
        var first = await EndOfHoldAsync();

        await Eventually.IsTrueAsync(async () => await EndOfHoldAsync() > first, TimeSpan.FromSeconds(60), Cancellation);

        (await EndOfHoldAsync() - TimeProvider.System.GetUtcNow()).ShouldBeLessThanOrEqualTo(LongestHold);
        process.Kill();
        await process.WaitForExitAsync(Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        // The migrator of a killed upgrade goes on.
        await Command.RunAsync("kill", [_cli.Read("pid").Trim()], cancellationToken: CancellationToken.None);
        await _server.DisposeAsync();
        _cli.Dispose();
    }

    /// <summary>Starts an upgrade whose migrator does not end by itself.</summary>
    private async Task<Process> StartAsync()
    {
        const string Waits = "sh -c 'echo $$ > \"$1/pid.tmp\"; mv \"$1/pid.tmp\" \"$1/pid\"; exec sleep 300' sh {path}";
        var process = _cli.Start("upgrade", "pydantic", "--target", "2.0", "--migrator", Waits);
        await Eventually.IsTrueAsync(
            () => File.Exists(Path.Combine(_cli.Project, "pid")), TimeSpan.FromSeconds(30), Cancellation);
        return process;
    }

    private async Task<DateTimeOffset> EndOfHoldAsync()
    {
        var held = await _account.Key.GetAsync("/quota/reservations?state=held");
        return held["data"].EnumerateArray().ShouldHaveSingleItem().GetProperty("expires_at").GetDateTimeOffset();
    }
}
