using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

public sealed class LogoutTests : IDisposable
{
    private readonly CliDriver _cli = new();

    [Fact]
    public async Task Only_the_key_is_removed()
    {
        _cli.WithConfig($"# mine\napi_key = \"{FakeServer.UnknownKey}\"\napi_url = \"https://example.com\"\n[migrators]\nx = \"y\"\n");

        var result = await _cli.RunAsync("logout");

        result.ShouldSucceed();
        result.Output.ShouldBe("✓ Logged out successfully\n");
        (await File.ReadAllTextAsync(_cli.ConfigPath, TestContext.Current.CancellationToken))
            .ShouldBe("# mine\napi_url = \"https://example.com\"\n[migrators]\nx = \"y\"\n");
    }

    [Fact]
    public async Task Logging_out_twice_is_not_an_error()
    {
        var result = await _cli.RunAsync("logout");

        result.ShouldSucceed();
        result.Output.ShouldBe("Not logged in\n");
    }

    [Fact]
    public async Task A_key_that_stays_in_the_environment_gives_a_warning()
    {
        _cli.WithConfig($"api_key = \"{FakeServer.UnknownKey}\"\n").Environment["PYRESOLVE_API_KEY"] = FakeServer.UnknownKey;

        var result = await _cli.RunAsync("logout");

        result.ShouldSucceed();
        result.Error.ShouldContain("PYRESOLVE_API_KEY is still set");
    }

    public void Dispose() => _cli.Dispose();
}
