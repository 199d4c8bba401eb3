using System.Text.Json;
using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

/// <summary>What shows something, against a real server: in a pipe, as JSON, and in terminals of two widths.</summary>
[Trait("Platform", "Linux")]
public sealed class EveryCommandTests(EveryCommandTests.RealServer server) : IClassFixture<EveryCommandTests.RealServer>, IAsyncLifetime
{
    private readonly CliDriver _cli = new();

    public async ValueTask InitializeAsync()
    {
        var account = await TestAccount.SignUpAsync(server.Process.Http);
        (await _cli.RunWithInputAsync(account.ApiKey, "login", "--with-key", "--api-url", server.Process.Address.OriginalString))
            .ShouldSucceed();
    }

    [Theory]
    [InlineData("status")]
    [InlineData("usage")]
    [InlineData("usage --history")]
    [InlineData("plan")]
    [InlineData("sync")]
    [InlineData("profiles list")]
    [InlineData("config path")]
    [InlineData("doctor")]
    [InlineData("help status")]
    [InlineData("completion bash")]
    [InlineData("--help")]
    [InlineData("--version")]
    public async Task It_works_in_a_pipe_and_in_a_terminal_of_80_and_of_40_columns(string command)
    {
        var pipe = await _cli.RunAsync(command.Split(' '));
        var usual = await _cli.RunInTerminalAsync(80, command.Split(' '));
        var narrow = await _cli.RunInTerminalAsync(40, command.Split(' '));

        pipe.ShouldSucceed();
        usual.ExitCode.ShouldBe(0, usual.Screen);
        narrow.ExitCode.ShouldBe(0, narrow.Screen);
        usual.Text.Trim().ShouldNotBeEmpty();
        narrow.Text.Trim().ShouldNotBeEmpty();
    }

    [Theory]
    [InlineData("status")]
    [InlineData("usage")]
    [InlineData("usage --history")]
    [InlineData("plan")]
    [InlineData("plan upgrade")]
    [InlineData("doctor")]
    public async Task Its_JSON_has_a_version_in_a_pipe_and_in_a_terminal(string command)
    {
        var pipe = await _cli.RunAsync([.. command.Split(' '), "--json"]);
        var terminal = await _cli.RunInTerminalAsync(80, [.. command.Split(' '), "--json"]);

        pipe.ExitCode.ShouldBe(0, pipe.Error);
        pipe.Error.ShouldBeEmpty();
        JsonDocument.Parse(pipe.Output).RootElement.GetProperty("version").GetInt32().ShouldBe(1);
        JsonDocument.Parse(terminal.Text).RootElement.GetProperty("version").GetInt32().ShouldBe(1);
    }

    [Theory]
    [InlineData("status")]
    [InlineData("usage")]
    [InlineData("plan upgrade")]
    [InlineData("plan portal")]
    public async Task Without_a_login_the_error_is_JSON_too_and_the_exit_code_is_4(string command)
    {
        (await _cli.RunAsync("logout")).ShouldSucceed();

        var result = await _cli.RunAsync([.. command.Split(' '), "--json"]);

        result.ExitCode.ShouldBe(4, result.Error);
        result.Output.ShouldBeEmpty();
        JsonDocument.Parse(result.Error).RootElement.GetProperty("exit_code").GetInt32().ShouldBe(4);
    }

    public ValueTask DisposeAsync()
    {
        _cli.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>In Development, where Stripe is simulated.</summary>
    public sealed class RealServer : IAsyncLifetime
    {
        public ServerProcess Process { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Process = await ServerProcess.StartAsync(
            new Dictionary<string, string?> { ["ASPNETCORE_ENVIRONMENT"] = "Development" }, TestContext.Current.CancellationToken);

        public ValueTask DisposeAsync() => Process.DisposeAsync();
    }
}
