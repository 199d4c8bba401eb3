using System.Diagnostics;
using System.Text.Json;
using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

/// <summary>What is held while an agent's upgrade runs is given back, whatever ends it. Standard output has the protocol alone.</summary>
[Trait("Platform", "Unix")]
public sealed class McpInterruptionTests : IDisposable
{
    /// <summary>Ends by itself when it is told to.</summary>
    private const string Waits =
        """sh -c 'trap "echo stopped > stopped; exit 7" TERM INT; touch ready; while :; do sleep 0.1; done' sh {path}""";

    private const string Initialize =
        """{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":"""
        + """{"name":"t","version":"1"}}}""";

    private const string UpgradeOfPydantic =
        """{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"run_upgrade","arguments":"""
        + """{"library":"pydantic","target":"2.0"}}}""";

    private static readonly object Upgrade = new { library = "pydantic", target = "2.0" };
    private static readonly string[] TakenAndGivenBack = ["GET /quota", "POST /quota/reservations", FakeServer.ReleaseRoute];

    private readonly CliDriver _cli = new CliDriver().WithFile("app.py", "v1\n");
    private readonly FakePyResolveServer _server = FakeServer.Start();

    [Fact]
    public async Task A_cancelled_call_stops_the_migrator_as_a_signal_does_and_gives_back_what_was_held()
    {
        WithMigrator(Waits);
        await using var client = await _cli.StartMcpAsync(McpAnswers.Options());
        using var cancel = new CancellationTokenSource();
        var call = client.CallAsync("run_upgrade", Upgrade, cancellationToken: cancel.Token).AsTask();
        await WaitForFileAsync("ready");

        await cancel.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => call);
        await Eventually.IsTrueAsync(
            () => _server.Routes.SequenceEqual(TakenAndGivenBack), cancellationToken: TestContext.Current.CancellationToken);
        _cli.Read("stopped").ShouldBe("stopped\n");
        (await client.CallAsync("get_quota")).IsError.ShouldBe(false);
    }

    [Fact]
    public async Task A_client_that_goes_away_stops_the_migrator_and_what_was_held_is_given_back()
    {
        WithMigrator(Waits);
        var client = await _cli.StartMcpAsync(McpAnswers.Options());
        var call = client.CallAsync("run_upgrade", Upgrade).AsTask();
        await WaitForFileAsync("ready");

        await client.DisposeAsync();

        await Should.ThrowAsync<Exception>(() => call);
        _server.Routes.ShouldBe(TakenAndGivenBack);
        _cli.Read("stopped").ShouldBe("stopped\n");
    }

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public async Task A_signal_stops_the_migrator_gives_back_what_was_held_and_ends_with_130(string signal)
    {
        WithMigrator(Waits);
        using var process = _cli.StartWithInput("mcp");
        await InitializeAsync(process);
        await SendAsync(process, UpgradeOfPydantic);
        await WaitForFileAsync("ready");

        (await Command.RunAsync(
            "kill", [$"-{signal}", $"{process.Id}"], cancellationToken: TestContext.Current.CancellationToken)).OrThrow("kill");
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        process.ExitCode.ShouldBe(130);
        _server.Routes.ShouldBe(TakenAndGivenBack);
    }

    [Fact]
    public async Task The_client_hears_how_far_the_migrator_is_before_it_has_the_result()
    {
        WithMigrator(
            """sh -c 'for i in 1 2 3; do sleep 0.3; echo "{\"type\":\"progress\",\"done\":$i,\"total\":3,\"file\":\"m$i.py\"}" > "$PYRESOLVE_MIGRATOR_CHANNEL"; done; echo v2 > app.py' sh {path}""");
        using var process = _cli.StartWithInput("mcp");
        await InitializeAsync(process);

        await SendAsync(
            process, UpgradeOfPydantic.Replace("\"params\":{", "\"params\":{\"_meta\":{\"progressToken\":7},", StringComparison.Ordinal));
        var messages = new List<JsonElement>();
        while (await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            messages.Add(JsonDocument.Parse(line).RootElement);
            if (messages[^1].TryGetProperty("id", out _))
                break;
        }

        process.StandardInput.Close();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        messages[^1].GetProperty("result").GetProperty("structuredContent").GetProperty("outcome").GetString().ShouldBe("changed");
        var notes = messages[..^1].ConvertAll(message => message.GetProperty("params"));
        notes.ShouldAllBe(note => note.GetProperty("progressToken").GetInt32() == 7);
        notes.Select(note => note.GetProperty("progress").GetInt32()).ShouldBeInOrder();
        (notes[^1].GetProperty("progress").GetInt32(), notes[^1].GetProperty("total").GetInt32()).ShouldBe((3, 3));
        notes[^1].GetProperty("message").GetString().ShouldBe("Upgrading: 3/3 files, m3.py");
    }

    [Fact]
    public async Task A_migrator_that_prints_and_reads_leaves_the_protocol_alone()
    {
        WithMigrator("sh -c 'echo printed; echo to-error >&2; cat > read; echo v2 > app.py' sh {path}");
        using var process = _cli.StartWithInput("mcp");
        await InitializeAsync(process);

        await SendAsync(process, UpgradeOfPydantic);
        await SendAsync(process, """{"jsonrpc":"2.0","id":3,"method":"ping"}""");
        var lines = new List<string>();
        while (lines.Count < 2 && await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
            lines.Add(line);
        process.StandardInput.Close();
        lines.AddRange((await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries));
        var error = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        process.ExitCode.ShouldBe(0, error);
        lines.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("id").GetInt32()).ShouldBe([2, 3], ignoreOrder: true);
        lines.ShouldNotContain(line => line.Contains("printed", StringComparison.Ordinal));
        error.ShouldContain("printed");
        error.ShouldContain("to-error");
        _cli.Read("read").ShouldBeEmpty();
    }

    [Theory]
    [InlineData("this is no JSON", -32700)]
    [InlineData("[]", -32600)]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"no/such"}""", -32601)]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call"}""", -32602)]
    [InlineData(
        """{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2099-01-01"}}}""",
        -32022)]
    public async Task A_message_that_cannot_be_answered_gets_the_protocols_own_error(string message, int code)
    {
        using var process = _cli.StartWithInput("mcp");

        await SendAsync(process, message);
        var line = await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken);
        process.StandardInput.Close();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        JsonDocument.Parse(line!).RootElement.GetProperty("error").GetProperty("code").GetInt32().ShouldBe(code);
        process.ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task Without_input_it_ends_at_once_and_says_nothing()
    {
        var result = await _cli.RunAsync("mcp");

        result.ShouldBe(new CommandResult(0, "", ""));
    }

    public void Dispose()
    {
        _server.Dispose();
        _cli.Dispose();
    }

    private static async Task InitializeAsync(Process process)
    {
        await SendAsync(process, Initialize);
        (await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken))
            .ShouldNotBeNull().ShouldContain("\"protocolVersion\":\"2025-06-18\"");
        await SendAsync(process, """{"jsonrpc":"2.0","method":"notifications/initialized"}""");
    }

    private static async Task SendAsync(Process process, string line)
    {
        await process.StandardInput.WriteAsync(line + "\n");
        await process.StandardInput.FlushAsync(TestContext.Current.CancellationToken);
    }

    private void WithMigrator(string command) => _cli.WithConfig(
        $"api_key = \"{_server.Account.ApiKey}\"\napi_url = \"{_server.Address}\"\n\n[migrators]\npydantic = '''{command}'''\n");

    private Task<TimeSpan> WaitForFileAsync(string name) => Eventually.IsTrueAsync(
        () => File.Exists(Path.Combine(_cli.Project, name)), TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
}
