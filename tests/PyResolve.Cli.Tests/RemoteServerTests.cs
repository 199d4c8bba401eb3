using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

/// <summary><c>upgrade --remote</c> against a real server, whose migrator for pydantic is the built-in one.</summary>
[Trait("Platform", "Linux")]
public sealed class RemoteServerTests : IAsyncLifetime
{
    private readonly CliDriver _cli = new();
    private ServerProcess _server = null!;
    private TestAccount _account = null!;

    public async ValueTask InitializeAsync()
    {
        var settings = new Dictionary<string, string?>
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            ["PyResolve__Migrators__slow__tier1"] = "sh -c 'echo v2 > \"$1/app.py\"; exec sleep 300' sh {path}",
        };
        _server = await ServerProcess.StartAsync(settings, TestContext.Current.CancellationToken);
        _account = await TestAccount.SignUpAsync(_server.Http);
        (await _cli.RunWithInputAsync(_account.ApiKey, "login", "--with-key", "--api-url", _server.Address.OriginalString)).ShouldSucceed();
    }

    [Fact]
    public async Task A_project_is_upgraded_as_it_is_here_and_charged_once()
    {
        var project = new PythonProject(_cli, files: 120);
        project.Write();

        var upgraded = await UpgradeAsync("pydantic");
        var again = await UpgradeAsync("pydantic");

        upgraded.ShouldSucceed();
        upgraded.Output.ShouldContain("✓ Upgraded pydantic to 2.0: 120 files changed\n");
        project.CountRewritten().ShouldBe(120);
        again.Output.ShouldContain("✓ Nothing to change\n  No migration was used.");
        (await _account.QuotaAsync()).ShouldBe(new QuotaView(Used: 1, Held: 0, Remaining: 4));
    }

    [Fact]
    public async Task Ctrl_C_in_a_terminal_ends_the_migrator_on_the_server_and_gives_the_migration_back()
    {
        _cli.WithFile("app.py", "v1\n");
        await using var terminal = _cli.StartInTerminal(80, "upgrade", "slow", "--target", "2.0", "--remote");
        await Eventually.IsTrueAsync(
            async () => (await _account.QuotaAsync()).Held == 1, TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);

        terminal.Type("\x03");
        var result = await terminal.WaitForExitAsync();

        result.ExitCode.ShouldBe(130, result.Screen);
        result.Text.ShouldContain("No migration was used.");
        _cli.Read("app.py").ShouldBe("v1\n");
        (await _account.QuotaAsync()).ShouldBe(new QuotaView(Used: 0, Held: 0, Remaining: 5));
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _cli.Dispose();
    }

    private Task<CommandResult> UpgradeAsync(string library) => _cli.RunAsync("upgrade", library, "--target", "2.0", "--remote");
}
