using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

/// <summary>In a real terminal: colours, questions, widths, Ctrl+C, and a window that is closed.</summary>
[Trait("Platform", "Linux")]
public sealed class TerminalTests : IDisposable
{
    private const string CtrlC = "\x03";
    private const string Password = "correct horse battery staple";

    private readonly CliDriver _cli = new CliDriver().WithFile("app.py", "v1\n");
    private readonly FakePyResolveServer _server = FakeServer.Start();

    [Fact]
    public async Task Colours_are_used_in_a_terminal_unless_NO_COLOR_is_set()
    {
        _cli.WithLogin(_server);

        var usual = await _cli.RunInTerminalAsync(80, "status");
        _cli.Environment["NO_COLOR"] = "1";
        var plain = await _cli.RunInTerminalAsync(80, "status");

        usual.ExitCode.ShouldBe(0, usual.Screen);
        usual.Screen.ShouldContain("\e[1mFREE\e[0m");
        plain.Screen.ShouldContain("FREE");
        plain.Screen.ShouldNotMatch("\e\\[[0-9;]*m");
        plain.Text.ShouldBe(usual.Text);
    }

    [Fact]
    public async Task An_error_is_red_and_its_next_step_is_not()
    {
        var result = await _cli.RunInTerminalAsync(80, "status");

        result.ExitCode.ShouldBe(4);
        result.Screen.ShouldContain("\e[31m✗\e[0m Not logged in");
        result.Lines.ShouldContain("  Run: pyresolve login");
    }

    [Fact]
    public async Task A_terminal_that_knows_only_ASCII_gets_ASCII()
    {
        _cli.WithLogin(_server);
        _cli.Environment["LANG"] = "C";

        var result = await _cli.RunInTerminalAsync(80, "status");

        result.ExitCode.ShouldBe(0, result.Screen);
        result.Text.ShouldAllBe(character => char.IsAscii(character));
    }

    [Fact]
    public async Task A_new_password_is_asked_twice_and_never_shown()
    {
        await using var terminal = _cli.StartInTerminal(80, "signup", "--api-url", _server.Address);

        await terminal.ShowsAsync("Email:");
        terminal.Type("grace@example.com\r");
        await terminal.ShowsAsync("New password:");
        terminal.Type($"{Password}\r");
        await terminal.ShowsAsync("The same again:");
        terminal.Type($"{Password}\r");
        var result = await terminal.WaitForExitAsync();

        result.ExitCode.ShouldBe(0, result.Screen);
        result.Text.ShouldContain("grace@example.com");
        result.Screen.ShouldNotContain("horse");
        (await terminal.IsEchoingAsync()).ShouldBeTrue();
    }

    [Fact]
    public async Task A_key_that_is_typed_is_not_shown()
    {
        await using var terminal = _cli.StartInTerminal(80, "login", "--with-key", "--api-url", _server.Address);

        await terminal.ShowsAsync("Enter your API key:");
        terminal.Type($"{_server.Account.ApiKey}\r");
        var result = await terminal.WaitForExitAsync();

        result.ExitCode.ShouldBe(0, result.Screen);
        result.Text.ShouldContain("Authenticated as ada@example.com");
        result.Screen.ShouldNotContain(_server.Account.ApiKey);
    }

    [Fact]
    public async Task A_typing_error_in_a_password_can_be_taken_back()
    {
        await using var terminal = _cli.StartInTerminal(80, "login", "--with-key", "--api-url", _server.Address);

        await terminal.ShowsAsync("Enter your API key:");
        terminal.Type($"{_server.Account.ApiKey}xy\x7f\x7f\r");

        (await terminal.WaitForExitAsync()).ExitCode.ShouldBe(0, terminal.Screen);
    }

    [Fact]
    public async Task Ctrl_C_at_a_hidden_question_ends_with_130_and_the_terminal_shows_again_what_is_typed()
    {
        await using var terminal = _cli.StartInTerminal(80, "login", "--with-key", "--api-url", _server.Address);
        await terminal.ShowsAsync("Enter your API key:");

        terminal.Type(CtrlC);
        var result = await terminal.WaitForExitAsync();

        result.ExitCode.ShouldBe(130, result.Screen);
        result.Text.ShouldContain("✗ Interrupted.");
        (await terminal.IsEchoingAsync()).ShouldBeTrue();
        File.Exists(_cli.ConfigPath).ShouldBeFalse();
    }

    [Theory]
    [InlineData("login --no-browser", "Your code:")]
    [InlineData("signup", "Email:")]
    public async Task Ctrl_C_ends_what_waits_for_a_person_and_saves_nothing(string command, string shown)
    {
        await using var terminal = _cli.StartInTerminal(80, [.. command.Split(' '), "--api-url", _server.Address]);
        await terminal.ShowsAsync(shown);

        terminal.Type(CtrlC);
        var result = await terminal.WaitForExitAsync();

        result.ExitCode.ShouldBe(130, result.Screen);
        File.Exists(_cli.ConfigPath).ShouldBeFalse();
    }

    [Fact]
    public async Task Ctrl_C_ends_a_wait_for_the_server()
    {
        _cli.WithLogin(_server);
        _server.Inject(Fault.Hang, "GET /me", int.MaxValue);
        await using var terminal = _cli.StartInTerminal(80, "status");
        await Eventually.IsTrueAsync(() => _server.Requests.Count > 0, TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        terminal.Type(CtrlC);

        (await terminal.WaitForExitAsync()).ExitCode.ShouldBe(130, terminal.Screen);
    }

    [Theory]
    [InlineData("signup", "Email:")]
    [InlineData("login --with-key", "Enter your API key:")]
    [InlineData("login --no-browser", "Your code:")]
    public async Task A_window_that_is_closed_ends_what_waits_for_a_person(string command, string shown)
    {
        await using var terminal = _cli.StartInTerminal(80, [.. command.Split(' '), "--api-url", _server.Address]);
        await terminal.ShowsAsync(shown);

        (await terminal.CloseAsync()).ShouldBe(130);

        File.Exists(_cli.ConfigPath).ShouldBeFalse();
    }

    [Fact]
    public async Task A_window_that_is_closed_during_an_upgrade_gives_the_reservation_back()
    {
        _cli.WithLogin(_server);
        await using var terminal = _cli.StartInTerminal(
            80, "upgrade", "pydantic", "--target", "2.0", "--migrator", "sh -c 'touch \"$1/ready\"; exec sleep 300' sh {path}");
        await Eventually.IsTrueAsync(
            () => File.Exists(Path.Combine(_cli.Project, "ready")), TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        (await terminal.CloseAsync()).ShouldBe(130);

        _server.Account.Holds.ShouldHaveSingleItem().State.ShouldBe("released");
    }

    [Fact]
    public async Task Ctrl_C_ends_an_upgrade_on_the_server_whose_progress_is_drawn()
    {
        _cli.WithLogin(_server);
        _server.Migrator = static _ => new() { Duration = TimeSpan.FromMinutes(5), Progress = new(Done: 1, Total: 2, File: "app.py") };
        await using var terminal = _cli.StartInTerminal(80, "upgrade", "pydantic", "--target", "2.0", "--remote");
        await terminal.ShowsAsync("1/2 files");

        terminal.Type(CtrlC);
        var result = await terminal.WaitForExitAsync();

        result.ExitCode.ShouldBe(130, result.Screen);
        result.Text.ShouldContain("✗ Interrupted. Nothing was changed here.");
        _server.Account.Holds.ShouldHaveSingleItem().State.ShouldBe("released");
    }

    [Fact]
    public async Task Nothing_is_asked_with_no_input()
    {
        var result = await _cli.RunInTerminalAsync(80, "signup", "--no-input", "--api-url", _server.Address);

        result.ExitCode.ShouldBe(2, result.Screen);
        result.Text.ShouldNotContain("Email:");
    }

    public void Dispose()
    {
        _server.Dispose();
        _cli.Dispose();
    }
}
