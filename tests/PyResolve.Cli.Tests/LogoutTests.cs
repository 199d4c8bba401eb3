using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

public sealed class LogoutTests : IDisposable
{
    private readonly CliDriver _cli = new();

    [Fact]
    public async Task Only_the_key_goes()
    {
        _cli.WithConfig($"# mine\napi_key = \"{Account.Key}\"\napi_url = \"https://example.com\"\n[migrators]\nx = \"y\"\n");

        var result = await _cli.RunAsync("logout");

        result.ShouldSucceed();
        result.Output.ShouldBe("✓ Logged out successfully\n");
        (await File.ReadAllTextAsync(_cli.ConfigPath, TestContext.Current.CancellationToken))
            .ShouldBe("# mine\napi_url = \"https://example.com\"\n[migrators]\nx = \"y\"\n");
    }

    [Fact]
    public async Task Logging_out_twice_is_no_failure()
    {
        var result = await _cli.RunAsync("logout");

        result.ShouldSucceed();
        result.Output.ShouldBe("Not logged in\n");
    }

    [Fact]
    public async Task A_key_that_stays_in_the_environment_is_warned_of()
    {
        _cli.WithConfig($"api_key = \"{Account.Key}\"\n").Environment["PYRESOLVE_API_KEY"] = Account.OtherKey;

        var result = await _cli.RunAsync("logout");

        result.ShouldSucceed();
        result.Error.ShouldContain("PYRESOLVE_API_KEY is still set");
    }

    public void Dispose() => _cli.Dispose();
}
