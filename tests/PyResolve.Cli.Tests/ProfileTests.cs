using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

/// <summary>Several servers and accounts, one at a time.</summary>
public sealed class ProfileTests : IAsyncLifetime
{
    private readonly CliDriver _cli = new();
    private ScriptedServer _server = null!;

    private string TwoProfiles => $"""
        api_key = "{Account.Key}"
        api_url = "{_server.Address.OriginalString}"

        [profiles.work]
        api_key = "{Account.OtherKey}"
        api_url = "{_server.Address.OriginalString}"

        """;

    public async ValueTask InitializeAsync() => _server = (await ScriptedServer.StartAsync()).WithAccount().WithHolds();

    [Fact]
    public async Task Login_saves_key_and_server_under_the_profile_and_says_how_to_use_it()
    {
        _cli.WithConfig("# Mine.\n");

        var result = await _cli.RunWithInputAsync(Account.OtherKey, "login", "--with-key", "--profile", "work", "--api-url", _server.Address.OriginalString);

        result.ShouldSucceed();
        result.Output.ShouldContain($"Saved in {_cli.ConfigPath}, profile work\n  To use it: --profile work, or export PYRESOLVE_PROFILE=work\n");
        File.ReadAllText(_cli.ConfigPath).ShouldBe($"""
            # Mine.

            [profiles.work]
            api_key = "{Account.OtherKey}"
            api_url = "{_server.Address.OriginalString}"

            """);
    }

    [Theory]
    [InlineData("--profile", "work", "status")]
    [InlineData("status", "--profile", "work")]
    public async Task Status_uses_the_profiles_key_and_names_the_profile(params string[] arguments)
    {
        _cli.WithConfig(TwoProfiles);

        var result = await _cli.RunAsync(arguments);

        result.ShouldSucceed();
        _server.Requests.ShouldHaveSingleItem().ApiKey.ShouldBe(Account.OtherKey);
        result.Output.ShouldContain($"(from {_cli.ConfigPath}, profile work)");
    }

    [Fact]
    public async Task Without_one_the_environments_profile_is_used_and_the_option_comes_before_it()
    {
        _cli.WithConfig(TwoProfiles);
        _cli.Environment["PYRESOLVE_PROFILE"] = "work";

        (await _cli.RunAsync("status")).ShouldSucceed();
        (await _cli.RunAsync("status", "--profile", "absent")).ShouldFail(4, "Not logged in with profile absent", "Run: pyresolve login --profile absent");

        _server.Requests.ShouldHaveSingleItem().ApiKey.ShouldBe(Account.OtherKey);
    }

    [Fact]
    public async Task Logout_takes_that_profiles_key_alone()
    {
        _cli.WithConfig(TwoProfiles);

        (await _cli.RunAsync("logout", "--profile", "work")).ShouldSucceed();

        File.ReadAllText(_cli.ConfigPath).ShouldBe(TwoProfiles.Replace($"api_key = \"{Account.OtherKey}\"\n", "", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_upgrade_is_paid_by_the_profile_and_a_key_in_the_environment_that_overrides_it_is_said()
    {
        _cli.WithConfig(TwoProfiles).WithFile("a.py", "x = 1\n");
        string[] upgrade = ["upgrade", "pydantic", "--target", "2.0", "--migrator", "true", "--profile", "work"];

        (await _cli.RunAsync(upgrade)).ShouldSucceed();
        _server.Requests.ShouldAllBe(request => request.ApiKey == Account.OtherKey);

        _cli.Environment["PYRESOLVE_API_KEY"] = Account.Key;
        (await _cli.RunAsync(upgrade)).Error.ShouldContain($"PYRESOLVE_API_KEY overrides the key saved in {_cli.ConfigPath} for profile work.");
    }

    [Fact]
    public async Task A_name_that_is_none_is_refused_before_anything_is_read_or_sent()
    {
        _cli.WithConfig("not TOML");

        (await _cli.RunAsync("status", "--profile", "my work")).ShouldFail(2, "'my work' is no name of a profile", "1 to 64 letters");
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _cli.Dispose();
    }
}
