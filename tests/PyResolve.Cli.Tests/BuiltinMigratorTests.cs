using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

public sealed class BuiltinMigratorTests : IDisposable
{
    private const string Model = "from pydantic import BaseModel\n\n\nclass User(BaseModel):\n    nick: str | None\n";
    private const string Use = "from app import User\n\n\ndef save(user: User):\n    return user.dict()\n";

    private readonly CliDriver _cli = new CliDriver().WithFile("app.py", Model).WithFile("store/save.py", Use);
    private readonly FakePyResolveServer _server = FakeServer.Start();

    public BuiltinMigratorTests() => _cli.WithLogin(_server);

    [Fact]
    public async Task The_first_upgrade_of_pydantic_needs_no_configuration()
    {
        var result = await UpgradeAsync();

        result.ShouldSucceed();
        result.Output.ShouldContain("✓ Upgraded pydantic to 2.0: 2 files changed\n  Rewrote 2 of 2 Python files, 2 changes.\n");
        _cli.Read("app.py").ShouldEndWith("nick: str | None = None\n");
        _cli.Read("store/save.py").ShouldEndWith("return user.model_dump()\n");
        _server.Account.Events.ShouldHaveSingleItem().FilesChanged.ShouldBe(2);
    }

    [Fact]
    public async Task A_second_upgrade_has_nothing_to_change_and_costs_nothing()
    {
        (await UpgradeAsync()).ShouldSucceed();

        var second = await UpgradeAsync();

        second.ShouldSucceed();
        second.Output.ShouldContain("✓ Nothing to change\n  Nothing to rewrite in 2 Python files.\n  No migration was used.");
        _server.Account.Events.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Without_an_account_it_works_and_is_not_metered()
    {
        _cli.WithConfig($"api_url = \"{_server.Address}\"\n");

        (await UpgradeAsync()).ShouldSucceed();

        _cli.Read("app.py").ShouldEndWith("= None\n");
        _server.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task One_file_can_be_upgraded()
    {
        (await UpgradeAsync("--path", "app.py")).ShouldSucceed();

        _cli.Read("app.py").ShouldEndWith("= None\n");
        _cli.Read("store/save.py").ShouldBe(Use);
    }

    [Fact]
    [Trait("Platform", "Unix")]
    public async Task A_configured_migrator_comes_before_it()
    {
        await File.AppendAllTextAsync(
            _cli.ConfigPath, "[migrators]\npydantic = \"sh -c 'echo v2 > $1/app.py' sh {path}\"\n", TestContext.Current.CancellationToken);

        (await UpgradeAsync()).ShouldSucceed();

        _cli.Read("app.py").ShouldBe("v2\n");
    }

    [Fact]
    public async Task It_can_be_named()
    {
        (await UpgradeAsync("--migrator", "builtin:pydantic")).ShouldSucceed();

        _cli.Read("app.py").ShouldEndWith("= None\n");
    }

    [Theory]
    [InlineData("pydantic --target 1.10", "upgrades pydantic 1 to 2, not to 1.10", "--target 2.0")]
    [InlineData("pydantic --target 2.0 --tier tier2", "does not use what tier2 pays for", "--tier1-only")]
    [InlineData("pydantic --target 2.0 --tier tier2 --tier1-only", "contradict each other", "Give one")]
    [InlineData("pydantic --target 2.0 --migrator builtin:numpy", "There is no migrator builtin:numpy", "builtin:pydantic")]
    [InlineData("numpy --target 2.0 --migrator builtin:pydantic", "does not upgrade numpy", "another migrator")]
    [InlineData("numpy --target 2.0", "There is no migrator for numpy", "[migrators]")]
    public async Task What_it_cannot_do_is_refused_before_anything_is_reserved(string arguments, string cause, string next)
    {
        (await _cli.RunAsync(["upgrade", .. arguments.Split(' ')])).ShouldFail(2, cause, next);

        _cli.Read("app.py").ShouldBe(Model);
        _server.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task Only_selected_files_are_rewritten_with_what_the_others_say()
    {
        var result = await UpgradeAsync("--include", "store/**", "--json");

        result.ShouldSucceed();
        _cli.Read("app.py").ShouldBe(Model);
        _cli.Read("store/save.py").ShouldContain("user.model_dump()");
    }

    [Fact]
    public async Task The_result_is_written_as_JSON()
    {
        var result = await UpgradeAsync("--json", "--tier1-only");

        result.ShouldSucceed();
        var report = result.Json();
        report.GetProperty("version").GetInt32().ShouldBe(1);
        report.GetProperty("outcome").GetString().ShouldBe("changed");
        report.GetProperty("files").ToString().ReplaceLineEndings("").Replace(" ", "", StringComparison.Ordinal)
            .ShouldBe("""{"changed":2,"added":0,"removed":0,"outside":0}""");
        report.GetProperty("charged").GetBoolean().ShouldBeTrue();
        report.GetProperty("quota").GetProperty("migrations_used").GetInt32().ShouldBe(3);
        report.EnumerateObject().Select(static member => member.Name).ShouldBe(
        [
            "version", "library", "target", "tier", "path", "dry_run", "outcome", "files", "tokens_used", "charged", "offline", "quota",
            "messages", "diff",
        ]);
    }

    public void Dispose()
    {
        _server.Dispose();
        _cli.Dispose();
    }

    private Task<CommandResult> UpgradeAsync(params string[] more) =>
        _cli.RunAsync(["upgrade", "pydantic", "--target", "2.0", .. more]);
}
