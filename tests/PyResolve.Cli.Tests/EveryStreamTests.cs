using System.Text.RegularExpressions;
using PyResolve.Cli.Tests.Infrastructure;
using PyResolve.Client;
using PyResolve.Client.Wire;

namespace PyResolve.Cli.Tests;

/// <summary>Each command does its work, and ends with its own exit code, wherever its streams lead.</summary>
[Trait("Platform", "Linux")]
public sealed partial class EveryStreamTests : IAsyncLifetime
{
    private readonly CliDriver _cli = new CliDriver().WithFile("app.py", "v1\n");
    private readonly FakePyResolveServer _server = FakeServer.Start();

    public static TheoryData<string> Commands => [.. SampleCommands.Names];

    private string Input => $"{_server.Account.Password}\n";

    public async ValueTask InitializeAsync()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        _server.Account.Subscribe("pro");
        var key = $"api_key = \"{_server.Account.ApiKey}\"\napi_url = \"{_server.Address}\"\n";
        _cli.WithConfig($"{key}\n[profiles.work]\n{key}");
        await using var client = _server.CreateClient();
        await using var used = await client.Quota.AcquireAsync(new("pydantic"), cancellationToken);
        await used.CompleteAsync(new MigrationOutcome { FilesChanged = 2 }, cancellationToken);
        var held = new ReservationRequest { Library = "a-library-with-a-long-name", Tier = "tier2" };
        await client.CreateReservationAsync(held, cancellationToken: cancellationToken);
    }

    [Fact]
    public void Each_command_that_does_something_has_a_sample_but_the_one_that_speaks_a_protocol()
    {
        using var tree = new CommandTreeReader();

        SampleCommands.Names.Append("mcp").ShouldBe(
            tree.Names.Where(name => name.Length == 0 || tree.Find(name).Action is not null), ignoreOrder: true);
    }

    [Theory, MemberData(nameof(Commands))]
    public async Task With_standard_output_closed_it_does_its_work_and_says_nothing_about_it(string command)
    {
        var result = await RunInShellAsync(command, ">&-");

        result.ExitCode.ShouldBe(0, result.Error);
        result.Output.ShouldBeEmpty();
        result.Error.ShouldNotContain("✗");
    }

    [Theory, MemberData(nameof(Commands))]
    public async Task With_standard_error_closed_its_result_is_whole(string command)
    {
        var result = await RunInShellAsync(command, "2>&-");

        result.ExitCode.ShouldBe(0, result.Output);
        result.Output.ShouldEndWith("\n");
    }

    [Theory, MemberData(nameof(Commands))]
    public async Task With_standard_input_closed_it_works_unless_it_reads_a_password(string command)
    {
        var result = await RunInShellAsync(command, "<&-");

        result.ExitCode.ShouldBe(SampleCommands.ReadsInput(command) ? 2 : 0, result.Error);
        if (SampleCommands.ReadsInput(command))
            result.Error.ShouldContain("There is no password on standard input.");
        (result.Output + result.Error).ShouldNotContain('\e');
    }

    [Theory, MemberData(nameof(Commands))]
    public async Task FORCE_COLOR_colours_a_pipe_and_ends_each_colour(string command)
    {
        _cli.Environment["FORCE_COLOR"] = "1";

        var result = await RunInShellAsync(command, "");

        result.ExitCode.ShouldBe(0, result.Error);
        Coloured.Replace(result.Output + result.Error, "").ShouldNotContain('\e');
    }

    [Theory, MemberData(nameof(Commands))]
    public async Task NO_COLOR_comes_before_FORCE_COLOR(string command)
    {
        (_cli.Environment["NO_COLOR"], _cli.Environment["FORCE_COLOR"]) = ("1", "1");

        var result = await RunInShellAsync(command, "");

        result.ExitCode.ShouldBe(0, result.Error);
        (result.Output + result.Error).ShouldNotContain('\e');
    }

    [Theory, MemberData(nameof(Commands))]
    public async Task A_terminal_of_40_columns_without_colours_and_Unicode_shows_whole_words_in_ASCII(string command)
    {
        (_cli.Environment["NO_COLOR"], _cli.Environment["LANG"]) = ("1", "C");
        await using var terminal = _cli.StartInTerminal(40, SampleCommands.ArgumentsOf(command, _server).Split(' '));
        if (SampleCommands.ReadsInput(command))
            terminal.Type(Input.Replace('\n', '\r'));

        var result = await terminal.WaitForExitAsync();

        result.ExitCode.ShouldBe(0, result.Screen);
        result.Screen.ShouldNotMatch("\e\\[[0-9;]*m");
        result.Text.ShouldAllBe(character => char.IsAscii(character));
        if (command != "completion")
            result.Lines.ShouldAllBe(line => line.Length <= 40 || !line.Trim().Contains(' '));
    }

    [Fact]
    public async Task A_mistake_with_every_stream_closed_ends_with_its_own_code() =>
        (await _cli.RunInShellAsync("", "status --jsn", "<&- >&- 2>&-")).ExitCode.ShouldBe(2);

    [Fact]
    public async Task A_login_with_standard_output_closed_saves_nothing_but_the_login()
    {
        _cli.WithConfig("");

        var result = await _cli.RunInShellAsync(_server.Account.ApiKey, $"login --with-key --api-url {_server.Address}", ">&-");

        result.ExitCode.ShouldBe(0, result.Error);
        var config = await File.ReadAllTextAsync(_cli.ConfigPath, TestContext.Current.CancellationToken);
        config.ShouldBe($"api_key = \"{_server.Account.ApiKey}\"\napi_url = \"{_server.Address}\"\n");
    }

    public ValueTask DisposeAsync()
    {
        _server.Dispose();
        _cli.Dispose();
        return ValueTask.CompletedTask;
    }

    private Task<CommandResult> RunInShellAsync(string command, string redirection) =>
        _cli.RunInShellAsync(Input, SampleCommands.ArgumentsOf(command, _server), redirection);

    [GeneratedRegex("\e\\[[1-9][0-9]*m[^\e]+\e\\[0m", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Coloured { get; }
}
