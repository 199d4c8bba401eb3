using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

[Trait("Platform", "Unix")]
public sealed class RealServerTests : IAsyncLifetime
{
    private readonly CliDriver _cli = new CliDriver().WithFile("app.py", "v0\n");
    private ServerProcess _server = null!;
    private TestAccount _account = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await ServerProcess.StartAsync(cancellationToken: TestContext.Current.CancellationToken);
        _account = await TestAccount.SignUpAsync(_server.Http);
        (await _cli.RunWithInputAsync(_account.ApiKey, "login", "--with-key", "--api-url", _server.Address.OriginalString)).ShouldSucceed();
    }

    [Fact]
    public async Task Five_upgrades_are_counted_and_the_sixth_is_refused()
    {
        for (var i = 1; i <= 5; i++)
            (await UpgradeAsync($"v{i}")).ShouldSucceed();

        var sixth = await UpgradeAsync("v6");

        sixth.ShouldFail(3, "Monthly limit reached", "Upgrade at ");
        _cli.Read("app.py").ShouldBe("v5\n");
        (await _account.QuotaAsync()).ShouldBe(new QuotaView(Used: 5, Held: 0, Remaining: 0));
    }

    [Fact]
    public async Task An_upgrade_that_changes_nothing_keeps_the_quota()
    {
        (await UpgradeAsync("v0")).ShouldSucceed();

        (await _account.QuotaAsync()).ShouldBe(new QuotaView(Used: 0, Held: 0, Remaining: 5));
    }

    [Fact]
    [Trait("Platform", "Linux")]
    public async Task Five_terminals_that_are_closed_during_an_upgrade_leave_nothing_held()
    {
        for (var i = 0; i < 5; i++)
        {
            var waits = $"sh -c 'touch \"$1/ready{i}\"; exec sleep 300' sh {{path}}";
            await using var terminal = _cli.StartInTerminal(80, "upgrade", "pydantic", "--target", "2.0", "--migrator", waits);
            await Eventually.IsTrueAsync(
                () => File.Exists(Path.Combine(_cli.Project, $"ready{i}")),
                TimeSpan.FromSeconds(30),
                TestContext.Current.CancellationToken);

            (await terminal.CloseAsync()).ShouldBe(130);
        }

        (await _account.QuotaAsync()).ShouldBe(new QuotaView(Used: 0, Held: 0, Remaining: 5));
    }

    [Fact]
    public async Task The_free_plan_has_no_LLM_migrations()
    {
        (await UpgradeAsync("v1", "--tier", "tier2")).ShouldFail(3, "LLM", "use --tier tier1");
    }

    [Fact]
    public async Task A_key_that_the_server_does_not_know_exits_with_4()
    {
        _cli.Environment["PYRESOLVE_API_KEY"] = FakeServer.UnknownKey;

        (await _cli.RunAsync("status")).ShouldFail(4, "Invalid or revoked API key", "PYRESOLVE_API_KEY");
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _cli.Dispose();
    }

    private Task<CommandResult> UpgradeAsync(string content, params string[] more) => _cli.RunAsync(
        ["upgrade", "pydantic", "--target", "2.0", "--migrator", $"sh -c 'echo {content} > \"$1/app.py\"' sh {{path}}", .. more]);
}
