using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

/// <summary>Several servers and accounts, one at a time.</summary>
public sealed class ProfileTests : IDisposable
{
    private readonly CliDriver _cli = new();
    private readonly FakePyResolveServer _server = FakeServer.Start();

    private string OtherKey => field ??= _server.Account.AddApiKey();

    private string TwoProfiles => $"""
        api_key = "{_server.Account.ApiKey}"
        api_url = "{_server.Address}"

        [profiles.work]
        api_key = "{OtherKey}"
        api_url = "{_server.Address}"

        """;


    [Fact]
    public async Task Login_saves_key_and_server_under_the_profile_and_says_how_to_use_it()
    {
        _cli.WithConfig("# Mine.\n");

        var result = await _cli.RunWithInputAsync(OtherKey, "login", "--with-key", "--profile", "work", "--api-url", _server.Address);

        result.ShouldSucceed();
        result.Output.ShouldContain(
            $"Saved in {_cli.ConfigPath}, profile work\n  To use it: --profile work, or export PYRESOLVE_PROFILE=work\n");
        File.ReadAllText(_cli.ConfigPath).ShouldBe($"""
            # Mine.

            [profiles.work]
            api_key = "{OtherKey}"
            api_url = "{_server.Address}"

            """);
    }

    [Theory]
    [InlineData("--profile", "work", "status")]
    [InlineData("status", "--profile", "work")]
    public async Task Status_uses_the_key_of_the_profile_and_names_it(params string[] arguments)
    {
        _cli.WithConfig(TwoProfiles);

        var result = await _cli.RunAsync(arguments);

        result.ShouldSucceed();
        _server.Requests.ShouldHaveSingleItem().ApiKey().ShouldBe(OtherKey);
        result.Output.ShouldContain($"(from {_cli.ConfigPath}, profile work)");
    }

    [Fact]
    public async Task The_environments_profile_is_used_unless_the_option_names_one()
    {
        _cli.WithConfig(TwoProfiles + "[profiles.empty]\n");
        _cli.Environment["PYRESOLVE_PROFILE"] = "work";

        (await _cli.RunAsync("status")).ShouldSucceed();
        (await _cli.RunAsync("status", "--profile", "empty"))
            .ShouldFail(4, "Not logged in with profile empty", "Run: pyresolve login --profile empty");

        _server.Requests.ShouldHaveSingleItem().ApiKey().ShouldBe(OtherKey);
    }

    [Fact]
    public async Task The_advice_after_a_revoked_key_names_the_profile_that_was_asked_for()
    {
        _cli.WithConfig(TwoProfiles);
        _server.Account.RevokeApiKeys();

        (await _cli.RunAsync("status", "--profile", "work")).ShouldFail(4, "key", "Run: pyresolve login --profile work");
    }

    [Theory]
    [InlineData("status")]
    [InlineData("logout")]
    [InlineData("upgrade", "pydantic", "--target", "2.0", "--migrator", "true")]
    public async Task A_mistyped_profile_ends_the_command_and_lists_those_there_are(params string[] command)
    {
        _cli.WithConfig(TwoProfiles).Environment["PYRESOLVE_API_KEY"] = _server.Account.ApiKey;

        (await _cli.RunAsync([.. command, "--profile", "wrok"])).ShouldFail(2, "'wrok'", "Its profiles are: work.");
        _cli.Environment["PYRESOLVE_PROFILE"] = "wrok";
        (await _cli.RunAsync(command)).ShouldFail(2, "PYRESOLVE_PROFILE names the profile 'wrok'", "Its profiles are: work.");

        _server.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task Login_makes_a_profile_that_does_not_exist_yet_on_the_server_that_the_environment_names()
    {
        _cli.WithConfig(TwoProfiles).Environment["PYRESOLVE_API_URL"] = _server.Address;

        (await _cli.RunWithInputAsync(OtherKey, "login", "--with-key", "--profile", "lab")).ShouldSucceed();

        File.ReadAllText(_cli.ConfigPath).ShouldEndWith($"""
            [profiles.lab]
            api_key = "{OtherKey}"
            api_url = "{_server.Address}"

            """);
    }

    [Fact]
    public async Task Logout_removes_the_key_of_that_profile_only()
    {
        _cli.WithConfig(TwoProfiles);

        (await _cli.RunAsync("logout", "--profile", "work")).ShouldSucceed();

        File.ReadAllText(_cli.ConfigPath).ShouldBe(TwoProfiles.Replace($"api_key = \"{OtherKey}\"\n", "", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_profile_is_removed_after_a_yes_and_says_which_key_stays_valid()
    {
        _cli.WithConfig($"# Mine.\n{TwoProfiles}");
        (await _cli.RunAsync("profiles", "remove", "work")).ShouldFail(2, "needs confirmation", "--yes");

        var result = await _cli.RunAsync("profiles", "remove", "work", "--yes");

        result.ShouldSucceed();
        result.Output.ShouldBe($"""
            ✓ Removed profile work from {_cli.ConfigPath}
              Its key {OtherKey[..20]}… stays valid on {_server.Address}.
              To revoke it, log in to that account, then: pyresolve keys revoke {OtherKey[..20]}

            """);
        File.ReadAllText(_cli.ConfigPath).ShouldBe(
            $"# Mine.\napi_key = \"{_server.Account.ApiKey}\"\napi_url = \"{_server.Address}\"\n");
    }

    [Fact]
    public async Task The_profile_in_use_and_one_that_does_not_exist_are_not_removed()
    {
        _cli.WithConfig($"profile = \"work\"\n{TwoProfiles}");

        (await _cli.RunAsync("profiles", "remove", "work", "--yes"))
            .ShouldFail(1, "work is the profile in use", "pyresolve profiles use default");
        (await _cli.RunAsync("profiles", "remove", "wrok", "--yes")).ShouldFail(2, "There is no profile 'wrok'", "There are: work.");

        File.ReadAllText(_cli.ConfigPath).ShouldBe($"profile = \"work\"\n{TwoProfiles}");
    }

    [Fact]
    public async Task An_upgrade_uses_the_profile_and_warns_of_a_key_in_the_environment_that_overrides_it()
    {
        _cli.WithConfig(TwoProfiles).WithFile("a.py", "x = 1\n");
        string[] upgrade = ["upgrade", "pydantic", "--target", "2.0", "--migrator", "true", "--profile", "work"];

        (await _cli.RunAsync(upgrade)).ShouldSucceed();
        _server.Requests.ShouldNotBeEmpty();
        _server.Requests.ShouldAllBe(request => request.ApiKey() == OtherKey);

        _cli.Environment["PYRESOLVE_API_KEY"] = _server.Account.ApiKey;
        (await _cli.RunAsync(upgrade))
            .Error.ShouldContain($"PYRESOLVE_API_KEY overrides the key saved in {_cli.ConfigPath} for profile work.");
    }

    [Fact]
    public async Task An_invalid_profile_name_is_refused_before_anything_is_read_or_sent()
    {
        _cli.WithConfig("not TOML");

        (await _cli.RunAsync("status", "--profile", "my work")).ShouldFail(2, "'my work' is not a profile name", "1 to 64 characters");
    }

    public void Dispose()
    {
        _server.Dispose();
        _cli.Dispose();
    }
}
