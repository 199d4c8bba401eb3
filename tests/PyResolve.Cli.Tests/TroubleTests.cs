using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

/// <summary>What a user meets when something around the command line is broken: a cause in a line, a next step, a documented exit code.</summary>
public sealed class TroubleTests : IAsyncLifetime
{
    private readonly CliDriver _cli = new();
    private ScriptedServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await ScriptedServer.StartAsync();
        _cli.WithLogin(_server.Address, Account.Key);
    }

    [Fact]
    public async Task A_stopped_server()
    {
        await _server.DisposeAsync();

        (await _cli.RunAsync("status")).ShouldFail(5, $"Cannot reach {SavedServer()} (connection refused)", "PYRESOLVE_API_URL");
    }

    [Fact]
    public async Task A_wrong_key()
    {
        _server.WithProblem("GET /me", 401, "unauthenticated", "Invalid or revoked API key");

        (await _cli.RunAsync("status")).ShouldFail(4, "Invalid or revoked API key", "Run: pyresolve login");
    }

    [Fact]
    public async Task A_wrong_key_in_the_environment_is_not_mended_by_a_login()
    {
        _server.WithProblem("GET /me", 401, "unauthenticated", "Invalid or revoked API key");
        _cli.Environment["PYRESOLVE_API_KEY"] = Account.OtherKey;

        (await _cli.RunAsync("status")).ShouldFail(4, "Invalid or revoked API key", "The key is in PYRESOLVE_API_KEY");
    }

    [Theory]
    [InlineData("status")]
    [InlineData("logout")]
    [InlineData("login --with-key")]
    [InlineData("upgrade pydantic --target 2.0")]
    public async Task A_malformed_config_file(string command)
    {
        _server.WithAccount();
        _cli.WithConfig("api_url = \"https://example.com\"\napi_key = pyr_live\n");
        _cli.Environment["PYRESOLVE_API_URL"] = _server.Address.OriginalString;

        var result = await _cli.RunWithInputAsync(Account.Key, command.Split(' '));

        result.ShouldFail(2, $"{_cli.ConfigPath}, line 2", next: "");
    }

    [Fact]
    public async Task A_server_that_answers_HTML()
    {
        _server.On("GET /me", 200, "text/html", "<html><body>Welcome to the hotel</body></html>");

        var result = await _cli.RunAsync("status");

        result.ShouldFail(5, "text/html", "Check PYRESOLVE_API_URL");
        (result.Output + result.Error).ShouldNotContain("<html>");
    }

    [Fact]
    public async Task A_server_that_fails()
    {
        _server.WithProblem("GET /me", 500, "internal", "The server failed.");

        (await _cli.RunAsync("status")).ShouldFail(1, "The server failed.", "report request r-1");
    }

    [Fact]
    public async Task A_server_that_never_answers()
    {
        _server.OnNeverAnswering("GET /me");

        (await _cli.RunAsync("status")).ShouldFail(5, "did not answer within 5 s", "Try again");
    }

    [Theory]
    [InlineData("PYRESOLVE_API_URL")]
    [InlineData("api_url")]
    public async Task An_unencrypted_way_to_another_machine(string where)
    {
        if (where == "PYRESOLVE_API_URL")
            _cli.Environment[where] = "http://192.0.2.1";
        else
            _cli.WithConfig($"api_key = \"{Account.Key}\"\napi_url = \"http://192.0.2.1\"\n");

        (await _cli.RunAsync("status")).ShouldFail(2, $"{where}", "Use https");
    }

    [Fact]
    public async Task An_address_that_is_none()
    {
        _cli.Environment["PYRESOLVE_API_URL"] = "localhost:8000";

        (await _cli.RunAsync("status")).ShouldFail(2, "PYRESOLVE_API_URL", "https://api.pyresolve.dev");
    }

    [Fact]
    [Trait("Platform", "Unix")]
    public async Task A_home_that_cannot_be_written()
    {
        _server.WithAccount();
        _cli.Environment["PYRESOLVE_HOME"] = "/dev/null/home";

        var result = await _cli.RunWithInputAsync(Account.Key, "login", "--with-key", "--api-url", _server.Address.OriginalString);

        result.ShouldFail(2, "/dev/null/home/config.toml", "PYRESOLVE_HOME");
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _cli.Dispose();
    }

    private string SavedServer() => File.ReadAllLines(_cli.ConfigPath)[1].Split('"')[1];
}
