using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

public sealed class LoginTests : IAsyncLifetime
{
    private readonly CliDriver _cli = new();
    private ScriptedServer _server = null!;

    private string Address => _server.Address.OriginalString;

    public async ValueTask InitializeAsync() => _server = (await ScriptedServer.StartAsync()).WithAccount();

    [Fact]
    public async Task A_key_on_standard_input_is_checked_and_saved_with_the_server()
    {
        var result = await _cli.RunWithInputAsync($"  {Account.Key}\n", "login", "--with-key", "--api-url", Address);

        result.ShouldSucceed();
        result.Output.ShouldContain("✓ Authenticated as ada@example.com");
        result.Output.ShouldContain("Migrations remaining: 3");
        _server.Requests.ShouldHaveSingleItem().ApiKey.ShouldBe(Account.Key);
        (await _cli.RunAsync("status")).ShouldSucceed();
    }

    [Fact]
    [Trait("Platform", "Unix")]
    public async Task The_saved_file_is_its_owners_alone_and_keeps_what_it_held()
    {
        _cli.WithConfig("# mine\n[migrators]\npydantic = \"tool\"\n");

        (await _cli.RunWithInputAsync(Account.Key, "login", "--with-key", "--api-url", Address)).ShouldSucceed();

        File.GetUnixFileMode(_cli.ConfigPath).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var config = await File.ReadAllTextAsync(_cli.ConfigPath, TestContext.Current.CancellationToken);
        config.ShouldContain("# mine\n[migrators]\npydantic = \"tool\"\n");
    }

    [Fact]
    public async Task A_key_on_the_command_line_works_and_is_warned_of()
    {
        var result = await _cli.RunAsync("login", "--key", Account.Key, "--api-url", Address);

        result.ShouldSucceed();
        result.Error.ShouldContain("shell's history");
    }

    [Fact]
    public async Task A_key_that_the_server_does_not_know_is_not_saved()
    {
        _server.WithProblem("GET /me", 401, "unauthenticated", "Invalid or revoked API key");

        var result = await _cli.RunWithInputAsync(Account.Key, "login", "--with-key", "--api-url", Address);

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

        result.ShouldFail(2, "standard input is no terminal", "pyresolve login --with-key");
    }

    [Fact]
    public async Task An_empty_standard_input_is_a_mistake()
    {
        var result = await _cli.RunWithInputAsync("\n", "login", "--with-key");

        result.ShouldFail(2, "no key on standard input", "--with-key <");
    }

    [Fact]
    public async Task A_key_does_not_travel_unencrypted_to_another_machine()
    {
        var result = await _cli.RunWithInputAsync(Account.Key, "login", "--with-key", "--api-url", "http://192.0.2.1");

        result.ShouldFail(2, "--api-url would send your key unencrypted to 192.0.2.1", "Use https");
    }

    [Fact]
    public async Task A_key_in_the_environment_that_hides_the_saved_one_is_warned_of()
    {
        _cli.Environment["PYRESOLVE_API_KEY"] = Account.OtherKey;

        var result = await _cli.RunWithInputAsync(Account.Key, "login", "--with-key", "--api-url", Address);

        result.ShouldSucceed();
        _server.Requests.ShouldHaveSingleItem().ApiKey.ShouldBe(Account.Key);
        result.Error.ShouldContain("PYRESOLVE_API_KEY is set and overrides the key just saved");
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _cli.Dispose();
    }
}
