using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

[Trait("Platform", "Unix")]
public sealed class UpgradeTests : IDisposable
{
    private const string Rewrites = "sh -c 'echo v2 > \"$1/app.py\"; echo rewrote' sh {path}";

    private readonly CliDriver _cli = new CliDriver().WithFile("app.py", "v1\n").WithFile("other.py", "v1\n");
    private readonly FakePyResolveServer _server = FakeServer.Start();

    public UpgradeTests() => _cli.WithLogin(_server);

    [Fact]
    public async Task An_upgrade_that_changes_files_is_run_and_charged()
    {
        var result = await UpgradeAsync(Rewrites);

        result.ShouldSucceed();
        result.Output.ShouldContain(
            "Quota this month: 2/5 used, 1 held, 2 remaining\nrewrote\n✓ Upgraded pydantic to 2.0: 1 file changed\n");
        result.Output.ShouldContain("Quota this month: 3/5 used");
        _cli.Read("app.py").ShouldBe("v2\n");
        _server.Routes.ShouldBe(["POST /quota/reservations", FakeServer.CommitRoute]);
        _server.Requests[0].Json().GetProperty("library").GetString().ShouldBe("pydantic");
        _server.Requests[0].Json().GetProperty("tier").GetString().ShouldBe("tier1");
        _server.Requests[0].Header("Idempotency-Key").ShouldNotBeNullOrEmpty();
        _server.Requests[1].Json().GetProperty("files_changed").GetInt32().ShouldBe(1);
    }

    [Fact]
    public async Task An_upgrade_that_changes_nothing_costs_nothing()
    {
        var result = await UpgradeAsync("sh -c 'echo v1 > \"$1/app.py\"' sh {path}");

        result.ShouldSucceed();
        result.Output.ShouldContain("✓ Nothing to change\n  No migration was used. Quota this month: 2/5 used, 3 remaining\n");
        _server.Routes.ShouldBe(["POST /quota/reservations", FakeServer.ReleaseRoute]);
    }

    [Fact]
    public async Task A_migrator_that_fails_costs_nothing_and_fails_the_upgrade()
    {
        var result = await UpgradeAsync("sh -c 'echo v2 > \"$1/app.py\"; echo oops >&2; exit 7' sh {path}");

        result.ExitCode.ShouldBe(1);
        result.Error.ShouldContain(
            "oops\n✗ The migrator failed with exit code 7. 1 file had been changed by then.\n  No migration was used.");
        _server.Routes.ShouldBe(["POST /quota/reservations", FakeServer.ReleaseRoute]);
    }

    [Fact]
    public async Task A_refusal_exits_with_3_and_runs_nothing()
    {
        _server.Account.UseUpQuota();

        var result = await UpgradeAsync(Rewrites);

        result.ShouldFail(3, "Monthly limit reached (5 migrations ", $"Upgrade at {_server.Address}/pricing");
        _cli.Read("app.py").ShouldBe("v1\n");
    }

    [Fact]
    public async Task A_plan_without_LLM_migrations_exits_with_3()
    {
        var result = await UpgradeAsync(Rewrites, "--tier", "tier2");

        result.ShouldFail(3, "LLM migrations (tier2, tier3) are not part of the free plan", "Or use --tier tier1");
        _server.Requests[0].Json().GetProperty("tier").GetString().ShouldBe("tier2");
        _cli.Read("app.py").ShouldBe("v1\n");
    }

    [Fact]
    public async Task Against_a_stopped_server_tier1_runs_and_tier2_exits_with_5()
    {
        _server.Dispose();

        var tier1 = await UpgradeAsync(Rewrites);
        var tier2 = await UpgradeAsync(Rewrites, "--tier", "tier2");

        tier1.ShouldSucceed();
        tier1.Error.ShouldContain("This migration runs without the server, and is reported when the server is back.");
        tier1.Output.ShouldContain("✓ Upgraded pydantic to 2.0: 1 file changed");
        tier2.ShouldFail(5, "Cannot reach", "none is prepaid on this machine");
    }

    [Fact]
    public async Task Without_a_key_tier1_runs_with_a_notice_that_it_is_not_counted()
    {
        _cli.WithConfig($"api_url = \"{_server.Address}\"\n");

        var result = await UpgradeAsync(Rewrites);

        result.ShouldSucceed();
        result.Output.ShouldContain("is not metered");
        _cli.Read("app.py").ShouldBe("v2\n");
        _server.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task Without_a_key_tier3_refers_to_login()
    {
        _cli.WithConfig("");

        (await UpgradeAsync(Rewrites, "--tier", "tier3")).ShouldFail(4, "LLM-powered migrations require authentication", "pyresolve login");
        _cli.Read("app.py").ShouldBe("v1\n");
    }

    [Fact]
    public async Task With_a_wrong_key_nothing_runs()
    {
        _server.Account.RevokeApiKeys();

        (await UpgradeAsync(Rewrites)).ShouldFail(4, "Invalid or revoked API key", "pyresolve login");
        _cli.Read("app.py").ShouldBe("v1\n");
    }

    [Fact]
    public async Task Work_that_the_server_cannot_take_now_is_kept_and_the_user_is_warned()
    {
        _server.FailAlways(FakeServer.CommitRoute, 500);
        _server.FailAlways("POST /usage", 500);
        _server.FailAlways("POST /usage/batch", 500);

        var result = await UpgradeAsync(Rewrites);

        result.ExitCode.ShouldBe(0, result.Error);
        result.Output.ShouldContain("✓ Upgraded pydantic to 2.0: 1 file changed");
        result.Error.ShouldContain("The migration is kept on disk");
        Directory.EnumerateFiles(_cli.Home, "*", SearchOption.AllDirectories)
            .ShouldContain(file => file.Contains("outbox", StringComparison.Ordinal));
        _server.Routes.ShouldNotContain(FakeServer.ReleaseRoute);
    }

    [Fact]
    public async Task Work_that_the_server_refuses_is_reported_as_done()
    {
        _server.FailAlways(FakeServer.CommitRoute, 404);

        var result = await UpgradeAsync(Rewrites);

        result.ShouldFail(1, "The code was upgraded (1 file changed), but this could not be reported", "");
        _server.Routes.ShouldNotContain(FakeServer.ReleaseRoute);
    }

    [Fact]
    public async Task The_migrator_is_found_in_the_config_file_by_any_spelling_of_the_library()
    {
        await File.AppendAllTextAsync(
            _cli.ConfigPath,
            "[migrators]\nTyping_Extensions = \"sh -c 'echo $2 $3 > $1/app.py' sh {path} {library} {target}\"\n",
            TestContext.Current.CancellationToken);

        var result = await _cli.RunAsync("upgrade", "typing.extensions", "--target", "4.0");

        result.ShouldSucceed();
        _cli.Read("app.py").ShouldBe("typing.extensions 4.0\n");
        _server.Requests[0].Json().GetProperty("library").GetString().ShouldBe("typing-extensions");
    }

    [Fact]
    public async Task A_path_with_blanks_and_quotes_stays_one_word()
    {
        const string Folder = "it's {library} \"a\" $x";
        _cli.WithFile($"{Folder}/app.py", "v1\n");

        var result = await UpgradeAsync("sh -c 'echo $# > \"$1/app.py\"' sh {path}", "--path", Folder);

        result.ShouldSucceed();
        _cli.Read($"{Folder}/app.py").ShouldBe("1\n");
    }

    [Fact]
    public async Task The_migrator_does_not_get_the_key()
    {
        _cli.Environment["PYRESOLVE_API_KEY"] = _server.Account.ApiKey;

        (await UpgradeAsync("sh -c 'echo \"key: $PYRESOLVE_API_KEY\" > \"$1/app.py\"' sh {path}")).ShouldSucceed();

        _cli.Read("app.py").ShouldBe("key: \n");
    }

    [Theory]
    [InlineData("no-such-program {path}", "there is no program no-such-program on the PATH")]
    [InlineData("./no-such-program {path}", "there is no program ./no-such-program")]
    [InlineData("./app.py", "./app.py may not be run")]
    public async Task A_migrator_that_cannot_be_started_costs_nothing(string migrator, string cause)
    {
        var result = await UpgradeAsync(migrator);

        result.ShouldFail(1, cause, "full path");
        _server.Routes.ShouldNotContain(FakeServer.CommitRoute);
        _server.Routes.Count(r => r == "POST /quota/reservations").ShouldBe(_server.Routes.Count(r => r == FakeServer.ReleaseRoute));
    }

    [Fact]
    public async Task A_program_in_the_folder_is_not_used_instead_of_one_on_the_PATH()
    {
        _cli.WithFile("mytool", "#!/bin/sh\necho v2 > app.py\n");
        File.SetUnixFileMode(Path.Combine(_cli.Project, "mytool"), UnixFileMode.UserRead | UnixFileMode.UserExecute);

        (await UpgradeAsync("mytool")).ShouldFail(1, "there is no program mytool on the PATH", "full path");
        _cli.Read("app.py").ShouldBe("v1\n");
    }

    public void Dispose()
    {
        _server.Dispose();
        _cli.Dispose();
    }

    private Task<CommandResult> UpgradeAsync(string migrator, params string[] more) =>
        _cli.RunAsync(["upgrade", "pydantic", "--target", "2.0", "--migrator", migrator, .. more]);
}
