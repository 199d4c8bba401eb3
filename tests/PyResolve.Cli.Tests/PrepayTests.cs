using System.Globalization;
using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

/// <summary>Migrations for work without a network.</summary>
[Trait("Platform", "Unix")]
public sealed class PrepayTests : IDisposable
{
    private readonly CliDriver _cli = new CliDriver().WithFile("app.py", "v1\n");
    private readonly FakePyResolveServer _server = FakePyResolveServer.Start(new() { ListenOnLoopback = true });

    /// <summary>When the last lease that was issued ends.</summary>
    private string End =>
        _server.Account.Holds[^1].ExpiresAt.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);

    public PrepayTests()
    {
        _server.Account.Plan = "pro";
        _cli.WithLogin(_server);
    }

    [Fact]
    public async Task What_was_taken_is_shown_by_prepay_show_and_by_status()
    {
        var taken = await _cli.RunAsync("prepay", "take", "3");

        taken.ShouldSucceed();
        taken.Output.ShouldStartWith($"✓ Prepaid on this machine: 3 tier2 migrations, until {End}\n");
        (await _cli.RunAsync("prepay", "show")).Output.ShouldBe($"3 tier2 migrations, until {End}\n");
        (await _cli.RunAsync("status")).Output.ShouldContain($"  Prepaid:    3 tier2 migrations, until {End}\n");
        (await _cli.RunAsync("holds", "list")).Output.ShouldContain("prepaid");
    }

    [Fact]
    public async Task Taking_again_adds_only_what_is_missing()
    {
        (await _cli.RunAsync("prepay", "take", "3")).ShouldSucceed();

        (await _cli.RunAsync("prepay", "take", "3")).ShouldSucceed();
        (await _cli.RunAsync("prepay", "take", "4")).Output.ShouldContain("4 tier2 migrations");

        _server.Account.Holds.Sum(static hold => hold.Remaining).ShouldBe(4);
    }

    [Fact]
    public async Task A_prepaid_migration_runs_while_the_server_is_away_and_is_explained()
    {
        (await _cli.RunAsync("prepay", "take", "1")).ShouldSucceed();
        foreach (var route in (string[])["POST /quota/reservations", "POST /usage", "POST /usage/batch"])
            _server.Inject(Fault.DropRequest, route, int.MaxValue);

        (await UpgradeAsync("v2")).ShouldSucceed();
        (await UpgradeAsync("v3")).ShouldFail(5, "Cannot reach", "what was prepaid on this machine is used up");
        _server.Heal();

        (await _cli.RunAsync("sync")).Output.ShouldBe("✓ Sent 1 usage event\n✓ Returned the prepaid migrations whose time is over\n");
        _server.Account.Holds.ShouldHaveSingleItem().Remaining.ShouldBe(0);
        (await _cli.RunAsync("status", "--explain")).Output.ShouldContain("tier2, denied\n  Why:        Cannot reach");
    }

    [Fact]
    public async Task What_is_returned_cannot_be_spent_here_and_is_free_when_its_time_is_over()
    {
        (await _cli.RunAsync("prepay", "take", "3")).ShouldSucceed();

        var returned = await _cli.RunAsync("prepay", "return");

        returned.Output.ShouldBe(
            $"✓ Returned 3 tier2 migrations\n  Held by the server until {End}, and free again then.\n");
        (await _cli.RunAsync("prepay", "show")).Output.ShouldBe("Nothing is prepaid on this machine.\n");
        (await _cli.RunAsync("prepay", "return")).Output.ShouldBe("Nothing is prepaid on this machine.\n");
    }

    [Fact]
    public async Task While_the_server_is_away_nothing_is_returned_and_all_can_still_be_spent()
    {
        (await _cli.RunAsync("prepay", "take", "3")).ShouldSucceed();
        _server.Inject(Fault.DropRequest, "GET /quota", int.MaxValue);

        (await _cli.RunAsync("prepay", "return")).ShouldFail(5, "Cannot reach", "Check");

        (await _cli.RunAsync("prepay", "show")).Output.ShouldContain("3 tier2 migrations");
    }

    [Theory]
    [InlineData("0", "tier2", "is not between 1 and 1000")]
    [InlineData("3", "tier1", "--tier needs tier2 or tier3, not 'tier1'.")]
    public async Task A_number_or_a_tier_that_cannot_be_prepaid_is_a_usage_error(string number, string tier, string cause) =>
        (await _cli.RunAsync("prepay", "take", number, "--tier", tier)).ShouldFail(2, cause, "pyresolve prepay take");

    [Fact]
    public async Task A_plan_without_the_tier_or_without_quota_is_a_denial()
    {
        _server.Account.Plan = "free";
        (await _cli.RunAsync("prepay", "take", "3")).ShouldFail(3, "The plan does not include tier2", "pyresolve plan");

        _server.Account.Plan = "pro";
        _server.Account.UseUpQuota();
        (await _cli.RunAsync("prepay", "take", "3")).ShouldFail(3, "Nothing could be prepaid", "pyresolve plan upgrade");
    }

    public void Dispose()
    {
        _server.Dispose();
        _cli.Dispose();
    }

    private Task<CommandResult> UpgradeAsync(string content) => _cli.RunAsync(
        "upgrade", "pydantic", "--target", "2.0", "--tier", "tier2", "--migrator", $"sh -c 'echo {content} > \"$1/app.py\"' sh {{path}}");
}
