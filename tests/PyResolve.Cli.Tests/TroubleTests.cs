using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

/// <summary>
/// What the user sees when something around the command line is broken: the cause in one line, a next step, a documented exit code.
/// </summary>
public sealed class TroubleTests : IDisposable
{
    private readonly CliDriver _cli = new();
    private readonly FakePyResolveServer _server = FakeServer.Start();

    public TroubleTests() => _cli.WithLogin(_server);

    [Fact]
    [Trait("Platform", "Unix")]
    public async Task An_upgrade_that_could_not_be_reported_is_refused_before_the_code_is_changed()
    {
        _cli.WithFile("a.py", "x = 1\n");
        _cli.Environment["PYRESOLVE_HOME"] = "/dev/null/home";
        _cli.Environment["PYRESOLVE_API_KEY"] = FakeServer.UnknownKey;
        _cli.Environment["PYRESOLVE_API_URL"] = "http://127.0.0.1:9";

        (await _cli.RunAsync("upgrade", "pydantic", "--target", "2.0", "--migrator", "sh -c 'echo changed > a.py'"))
            .ShouldFail(5, "Cannot reach http://127.0.0.1:9", "the outcome is kept on disk, which is not possible");

        _cli.Read("a.py").ShouldBe("x = 1\n");
    }

    [Fact]
    [Trait("Platform", "Unix")]
    public async Task Without_a_home_the_environment_is_enough_and_login_says_that_there_is_none()
    {
        using var server = FakeServer.Start();
        _cli.WithFile("a.py", "x = 1\n");
        _cli.Environment["HOME"] = "/nonexistent";
        _cli.Environment["PYRESOLVE_HOME"] = null;
        _cli.Environment["PYRESOLVE_API_KEY"] = server.Account.ApiKey;
        _cli.Environment["PYRESOLVE_API_URL"] = server.Address;

        (await _cli.RunAsync("status")).ShouldSucceed();
        (await _cli.RunAsync("upgrade", "pydantic", "--target", "2.0", "--migrator", "true")).ShouldSucceed();
        (await _cli.RunWithInputAsync(server.Account.ApiKey, "login", "--with-key"))
            .ShouldFail(2, "this user has no home: there is no folder /nonexistent", "set PYRESOLVE_HOME to another");
    }

    [Fact]
    public async Task A_stopped_server_is_named_with_what_to_do()
    {
        _server.Dispose();

        (await _cli.RunAsync("status")).ShouldFail(5, $"Cannot reach {_server.Address} (connection refused)", "PYRESOLVE_API_URL");
    }

    [Fact]
    public async Task A_wrong_key_is_named_with_what_to_do()
    {
        _server.Account.RevokeApiKeys();

        (await _cli.RunAsync("status")).ShouldFail(4, "Invalid or revoked API key", "Run: pyresolve login");
    }

    [Fact]
    public async Task A_wrong_key_in_the_environment_is_not_fixed_by_a_login()
    {
        _cli.Environment["PYRESOLVE_API_KEY"] = FakeServer.UnknownKey;

        (await _cli.RunAsync("status")).ShouldFail(4, "Invalid or revoked API key", "The key is in PYRESOLVE_API_KEY");
    }

    [Theory]
    [InlineData("status")]
    [InlineData("logout")]
    [InlineData("login --with-key")]
    [InlineData("upgrade pydantic --target 2.0")]
    public async Task A_malformed_config_file_is_named_with_its_line(string command)
    {
        _cli.WithConfig("api_url = \"https://example.com\"\napi_key = pyr_live\n");
        _cli.Environment["PYRESOLVE_API_URL"] = _server.Address;

        var result = await _cli.RunWithInputAsync(_server.Account.ApiKey, command.Split(' '));

        result.ShouldFail(2, $"{_cli.ConfigPath}, line 2", next: "");
    }

    [Fact]
    public async Task A_server_that_answers_HTML_is_named_with_what_to_do()
    {
        _server.Inject(Fault.CaptivePortal, "GET /me");

        var result = await _cli.RunAsync("status");

        result.ShouldFail(5, "text/html", "Check PYRESOLVE_API_URL");
        (result.Output + result.Error).ShouldNotContain("<html>");
    }

    [Fact]
    public async Task A_server_that_fails_is_quoted_with_the_id_of_the_request()
    {
        const string Problem = """{"status":500,"code":"internal","detail":"The server failed.","request_id":"r-1"}""";
        _server.Inject(Fault.Answer(500, "application/problem+json", Problem), "GET /me");

        (await _cli.RunAsync("status")).ShouldFail(1, "The server failed.", "report request r-1");
    }

    [Fact]
    public async Task A_server_that_never_answers_is_named_after_five_seconds()
    {
        _server.Inject(Fault.Hang, "GET /me", int.MaxValue);

        (await _cli.RunAsync("status")).ShouldFail(5, "did not answer within 5 s", "Try again");
    }

    [Theory]
    [InlineData("PYRESOLVE_API_URL")]
    [InlineData("api_url")]
    public async Task An_unencrypted_way_to_another_machine_is_refused(string where)
    {
        if (where == "PYRESOLVE_API_URL")
            _cli.Environment[where] = "http://192.0.2.1";
        else
            _cli.WithConfig($"api_key = \"{_server.Account.ApiKey}\"\napi_url = \"http://192.0.2.1\"\n");

        (await _cli.RunAsync("status")).ShouldFail(2, $"{where}", "Use https");
    }

    [Fact]
    public async Task An_address_that_is_not_a_URL_is_refused_with_an_example()
    {
        _cli.Environment["PYRESOLVE_API_URL"] = "localhost:8000";

        (await _cli.RunAsync("status")).ShouldFail(2, "PYRESOLVE_API_URL", "https://api.pyresolve.dev");
    }

    [Fact]
    [Trait("Platform", "Unix")]
    public async Task A_home_that_cannot_be_written_is_named_with_what_to_set()
    {
        _cli.Environment["PYRESOLVE_HOME"] = "/dev/null/home";

        var result = await _cli.RunWithInputAsync(_server.Account.ApiKey, "login", "--with-key", "--api-url", _server.Address);

        result.ShouldFail(2, "/dev/null/home/config.toml", "PYRESOLVE_HOME");
    }

    public void Dispose()
    {
        _server.Dispose();
        _cli.Dispose();
    }
}
