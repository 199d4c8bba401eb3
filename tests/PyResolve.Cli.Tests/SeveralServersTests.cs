using System.Text.Json;
using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

/// <summary>Several servers of one service, one of which is down.</summary>
public sealed class SeveralServersTests : IDisposable
{
    private const string Dead = "http://127.0.0.1:1";

    private readonly CliDriver _cli = new();
    private readonly FakePyResolveServer _server = FakeServer.Start();

    [Fact]
    public async Task Login_saves_all_of_them_and_status_names_the_one_that_answered()
    {
        var login = await _cli.RunWithInputAsync(
            _server.Account.ApiKey, "login", "--with-key", "--api-url", $"{Dead}, {_server.Address}");
        var status = await _cli.RunAsync("status");

        login.ShouldSucceed();
        _cli.Read(_cli.ConfigPath).ShouldContain($"api_url = \"{Dead},{_server.Address}\"");
        status.Output.ShouldContain($"Server: {_server.Address}\n");
    }

    [Fact]
    public async Task Doctor_checks_each_and_warns_of_the_one_that_is_down()
    {
        _cli.WithConfig($"api_key = \"{_server.Account.ApiKey}\"\napi_url = \"{Dead},{_server.Address}\"\n");

        var result = await _cli.RunAsync("doctor", "--json");

        result.ShouldSucceed();
        var servers = JsonDocument.Parse(result.Output).RootElement.GetProperty("checks").EnumerateArray()
            .Where(static check => check.GetProperty("name").GetString() == "server")
            .Select(static check => (check.GetProperty("status").GetString(), check.GetProperty("detail").GetString()))
            .ToList();
        servers.Select(static check => check.Item1).ShouldBe(["warning", "ok"]);
        servers[0].Item2.ShouldNotBeNull().ShouldContain(Dead);
    }

    [Fact]
    public async Task Doctor_fails_where_none_answers()
    {
        _cli.WithConfig($"api_key = \"{_server.Account.ApiKey}\"\napi_url = \"{Dead},http://127.0.0.1:2\"\n");

        (await _cli.RunAsync("doctor")).ExitCode.ShouldBe(1);
    }

    [Theory]
    [InlineData("login --api-url", "http://localhost:8000,nonsense", "--api-url, address 2 of 2, is not an http or https URL: nonsense")]
    [InlineData("login --no-browser --api-url", "https://a.example,http://b.example", "--api-url would send your key unencrypted to b.")]
    [InlineData("config set api_url", "https://a.example,b.example", "'https://a.example,b.example' is not an http or https URL.")]
    public async Task A_bad_address_is_named(string command, string addresses, string cause) =>
        (await _cli.RunAsync([.. command.Split(' '), addresses])).ShouldFail(2, cause, "https");

    public void Dispose()
    {
        _cli.Dispose();
        _server.Dispose();
    }
}
