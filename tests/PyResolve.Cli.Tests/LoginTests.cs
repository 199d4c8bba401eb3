using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

public sealed class LoginTests : IDisposable
{
    private readonly CliDriver _cli = new();
    private readonly FakePyResolveServer _server = FakeServer.Start();

    private string Address => _server.Address;


    [Fact]
    public async Task A_key_on_standard_input_is_checked_and_saved_with_the_server()
    {
        var result = await _cli.RunWithInputAsync($"  {_server.Account.ApiKey}\n", "login", "--with-key", "--api-url", Address);

        result.ShouldSucceed();
        result.Output.ShouldContain("✓ Authenticated as ada@example.com");
        result.Output.ShouldContain("Migrations remaining: 3");
        _server.Requests.ShouldHaveSingleItem().ApiKey().ShouldBe(_server.Account.ApiKey);
        (await _cli.RunAsync("status")).ShouldSucceed();
    }

    [Fact]
    [Trait("Platform", "Unix")]
    public async Task Only_the_owner_can_read_the_saved_file_and_its_other_content_stays()
    {
        _cli.WithConfig("# mine\n[migrators]\npydantic = \"tool\"\n");

        (await _cli.RunWithInputAsync(_server.Account.ApiKey, "login", "--with-key", "--api-url", Address)).ShouldSucceed();

        File.GetUnixFileMode(_cli.ConfigPath).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var config = await File.ReadAllTextAsync(_cli.ConfigPath, TestContext.Current.CancellationToken);
        config.ShouldContain("# mine\n[migrators]\npydantic = \"tool\"\n");
    }

    [Fact]
    public async Task A_key_on_the_command_line_works_with_a_warning()
    {
        var result = await _cli.RunAsync("login", "--key", _server.Account.ApiKey, "--api-url", Address);

        result.ShouldSucceed();
        result.Error.ShouldContain("shell's history");
    }

    [Fact]
    public async Task A_key_that_the_server_does_not_know_is_not_saved()
    {
        var result = await _cli.RunWithInputAsync(FakeServer.UnknownKey, "login", "--with-key", "--api-url", Address);

        result.ShouldFail(4, "Invalid or revoked API key", Address);
        File.Exists(_cli.ConfigPath).ShouldBeFalse();
    }

    [Fact]
    public async Task A_key_of_another_form_is_not_sent()
    {
        var result = await _cli.RunWithInputAsync("sk_live_0123", "login", "--with-key", "--api-url", Address);

        result.ShouldFail(4, "Invalid API key format. Keys start with 'pyr_live_'", "key");
        _server.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task Without_a_terminal_and_a_key_it_says_how_to_give_one()
    {
        var result = await _cli.RunAsync("login");

        result.ShouldFail(2, "standard input is not a terminal", "pyresolve login --with-key");
    }

    [Fact]
    public async Task An_empty_standard_input_is_an_error()
    {
        var result = await _cli.RunWithInputAsync("\n", "login", "--with-key");

        result.ShouldFail(2, "no key on standard input", "--with-key <");
    }

    [Theory, InlineData("192.0.2.1"), InlineData("loopback")]
    public async Task A_key_does_not_travel_unencrypted_to_another_machine(string host)
    {
        var result = await _cli.RunWithInputAsync(_server.Account.ApiKey, "login", "--with-key", "--api-url", $"http://{host}");

        result.ShouldFail(2, $"--api-url would send your key unencrypted to {host}", "Use https");
    }

    [Fact]
    public async Task A_key_in_the_environment_that_overrides_the_saved_one_gives_a_warning()
    {
        _cli.Environment["PYRESOLVE_API_KEY"] = FakeServer.UnknownKey;

        var result = await _cli.RunWithInputAsync(_server.Account.ApiKey, "login", "--with-key", "--api-url", Address);

        result.ShouldSucceed();
        _server.Requests.ShouldHaveSingleItem().ApiKey().ShouldBe(_server.Account.ApiKey);
        result.Error.ShouldContain("PYRESOLVE_API_KEY is set and overrides the key just saved");
    }

    [Fact]
    public async Task A_login_without_a_desktop_is_approved_elsewhere_by_its_code()
    {
        using var login = _cli.Start("login", "--no-browser", "--api-url", Address);

        _server.ApproveDevice(await ReadCodeAsync(login.StandardError));
        await login.WaitForExitAsync(TestContext.Current.CancellationToken);

        login.ExitCode.ShouldBe(0);
        (await _cli.RunAsync("status")).Output.ShouldContain("Email:  ada@example.com");
    }

    [Fact]
    public async Task A_login_that_is_denied_in_the_browser_saves_nothing()
    {
        using var login = _cli.Start("login", "--no-browser", "--api-url", Address);

        _server.DenyDevice(await ReadCodeAsync(login.StandardError));
        var error = await login.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await login.WaitForExitAsync(TestContext.Current.CancellationToken);

        login.ExitCode.ShouldBe(4);
        error.ShouldContain("The login was denied in the browser. Nothing was saved.");
        File.Exists(_cli.ConfigPath).ShouldBeFalse();
    }

    public void Dispose()
    {
        _server.Dispose();
        _cli.Dispose();
    }

    private static async Task<string> ReadCodeAsync(TextReader lines)
    {
        const string Label = "Your code: ";
        while (await lines.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            if (line.StartsWith(Label, StringComparison.Ordinal))
                return line[Label.Length..];
        }
        throw new InvalidOperationException("The command ended without a code.");
    }
}
