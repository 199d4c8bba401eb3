using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

/// <summary>Why the last upgrade on this machine was granted or denied.</summary>
[Trait("Platform", "Unix")]
public sealed class ExplainTests : IDisposable
{
    private readonly CliDriver _cli = new CliDriver().WithFile("app.py", "v1\n");
    private readonly FakePyResolveServer _server = FakeServer.Start();

    public ExplainTests() => _cli.WithLogin(_server);

    [Fact]
    public async Task Where_no_upgrade_was_run_nothing_is_known()
    {
        var result = await _cli.RunAsync("status", "--explain");

        result.ShouldSucceed();
        result.Output.ShouldEndWith("\nLast decision: none. No upgrade has run on this machine with this key.\n");
    }

    [Fact]
    public async Task A_grant_is_explained_by_the_receipt_of_its_reservation()
    {
        (await UpgradeAsync()).ShouldSucceed();

        var explained = (await _cli.RunAsync("status", "--explain")).Output;

        explained.ShouldMatch(@"\nLast decision \(20[0-9-]+ [0-9:]+ UTC\): pydantic, tier1, granted\n  Why:        \S[^\n]+\n");
        explained.ShouldContain("  Before it:  plan free, 2 of 5 used, 0 held\n");
        explained.ShouldMatch(@"\n  Held as:    [0-9a-f-]{36}, committed\n\z");
    }

    [Fact]
    public async Task A_denial_is_explained_by_what_the_server_said()
    {
        _server.Account.UseUpQuota();
        (await UpgradeAsync()).ExitCode.ShouldBe(3);

        var explained = (await _cli.RunAsync("status", "--explain")).Output;

        explained.ShouldContain("pydantic, tier1, denied\n  Why:        Monthly limit reached");
        explained.ShouldContain("\n  Next:       ");
    }

    [Fact]
    public async Task The_decision_of_another_key_is_not_shown()
    {
        (await UpgradeAsync()).ShouldSucceed();
        _cli.Environment["PYRESOLVE_API_KEY"] = _server.Account.AddApiKey();

        (await _cli.RunAsync("status", "--explain")).Output.ShouldContain("Last decision: none.");
    }

    [Fact]
    public async Task A_damaged_record_is_no_decision()
    {
        (await UpgradeAsync()).ShouldSucceed();
        await File.WriteAllTextAsync(Path.Combine(_cli.Home, "last-decision.json"), "{", TestContext.Current.CancellationToken);

        (await _cli.RunAsync("status", "--explain")).Output.ShouldContain("Last decision: none.");
    }

    public void Dispose()
    {
        _server.Dispose();
        _cli.Dispose();
    }

    private Task<CommandResult> UpgradeAsync() => _cli.RunAsync(
        "upgrade", "pydantic", "--target", "2.0", "--migrator", "sh -c 'echo v2 > \"$1/app.py\"' sh {path}");
}
