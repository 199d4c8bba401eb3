using System.Text.Json;
using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

/// <summary>From an empty machine to a plan that is paid for, against a real server in Development, which simulates Stripe.</summary>
[Trait("Platform", "Unix")]
public sealed class AccountCommandTests : IAsyncLifetime
{
    private const string Email = "ada@example.com";

    private readonly CliDriver _cli = new();
    private ServerProcess _server = null!;

    private string Address => _server.Address.OriginalString;

    public async ValueTask InitializeAsync() => _server = await ServerProcess.StartAsync(
        new Dictionary<string, string?> { ["ASPNETCORE_ENVIRONMENT"] = "Development" }, TestContext.Current.CancellationToken);

    [Fact]
    public async Task A_new_user_signs_up_sees_the_status_and_gets_the_page_that_sells_a_plan()
    {
        var signup = await SignUpAsync();

        var status = await JsonAsync("status", "--json");
        var upgrade = await JsonAsync("plan", "upgrade", "--json");

        signup.ShouldSucceed();
        signup.Output.ShouldContain($"Authenticated as {Email}");
        status.GetProperty("email").GetString().ShouldBe(Email);
        status.GetProperty("quota").GetProperty("migrations_remaining").GetInt32().ShouldBe(5);
        upgrade.GetProperty("url").GetString()!.ShouldContain("/c/pay/cs_test_");
        (await JsonAsync("plan", "--json")).GetProperty("current").GetString().ShouldBe("free");
    }

    [Fact]
    public async Task Signing_up_over_a_saved_key_is_refused_since_the_key_would_be_lost()
    {
        (await SignUpAsync()).ShouldSucceed();
        var config = await File.ReadAllTextAsync(_cli.ConfigPath, TestContext.Current.CancellationToken);

        (await SignUpAsync("bob@example.com")).ShouldFail(1, "You are logged in already", "pyresolve logout");

        (await File.ReadAllTextAsync(_cli.ConfigPath, TestContext.Current.CancellationToken)).ShouldBe(config);
    }

    [Fact]
    public async Task An_email_address_that_has_an_account_refers_to_login()
    {
        (await SignUpAsync()).ShouldSucceed();
        (await _cli.RunAsync("logout")).ShouldSucceed();

        (await SignUpAsync()).ShouldFail(4, "account", "pyresolve login");
    }

    [Fact]
    public async Task A_password_that_is_too_short_is_a_usage_error_and_saves_nothing()
    {
        (await _cli.RunWithInputAsync("short\n", "signup", "--email", Email, "--password-stdin", "--api-url", Address))
            .ShouldFail(2, "password", "pyresolve signup");

        File.Exists(_cli.ConfigPath).ShouldBeFalse();
    }

    [Fact]
    public async Task Login_with_a_password_makes_a_key_for_this_machine()
    {
        var account = await TestAccount.SignUpAsync(_server.Http, Email);

        var login = await _cli.RunWithInputAsync(
            $"{TestAccount.Password}\n", "login", "--email", Email, "--password-stdin", "--api-url", Address);

        login.ShouldSucceed();
        (await _cli.RunAsync("status")).ShouldSucceed();
        (await account.Session.GetAsync("/auth/api-keys"))["data"].GetArrayLength().ShouldBe(2);
    }

    [Fact]
    [Trait("Platform", "Linux")]
    public async Task Where_the_account_has_a_second_factor_its_code_is_asked_for_or_given()
    {
        var account = await TestAccount.SignUpAsync(_server.Http, Email);
        var app = new Authenticator((await account.Session.PostAsync("/auth/totp"))["secret"].GetString()!, TimeProvider.System);
        var confirmed = await account.Session.PostAsync("/auth/totp/confirm", new { code = app.Code() });
        var recovery = confirmed["recovery_codes"][0].GetString()!;
        string[] login = ["login", "--email", Email, "--api-url", Address];
        string[] piped = [.. login, "--password-stdin"];

        var refused = await WithPasswordAsync(piped);
        var wrong = await WithPasswordAsync([.. piped, "--code", app.WrongCode()]);
        var given = await WithPasswordAsync([.. piped, "--code", app.Code(1)]);
        await using var terminal = _cli.StartInTerminal(80, login);
        await terminal.ShowsAsync("Password of");
        terminal.Type($"{TestAccount.Password}\r");
        await terminal.ShowsAsync("Code of your second factor:");
        terminal.Type($"{recovery}\r");
        var asked = await terminal.WaitForExitAsync();

        refused.ShouldFail(4, "has a second factor", "--code 123456");
        wrong.ShouldFail(4, "The code is wrong", "pyresolve login");
        given.ShouldSucceed();
        asked.ExitCode.ShouldBe(0, asked.Screen);
        asked.Text.ShouldNotContain(recovery);
    }

    [Fact]
    public async Task A_wrong_password_saves_nothing()
    {
        await TestAccount.SignUpAsync(_server.Http, Email);

        (await _cli.RunWithInputAsync("not the password\n", "login", "--email", Email, "--password-stdin", "--api-url", Address))
            .ShouldFail(4, "Nothing was saved", "pyresolve login");

        File.Exists(_cli.ConfigPath).ShouldBeFalse();
    }

    [Fact]
    public async Task Keys_are_managed_with_the_password_because_the_saved_key_may_not()
    {
        (await SignUpAsync()).ShouldSucceed();

        (await _cli.RunAsync("keys", "list")).ShouldFail(4, "does not have the scope keys", "--password-stdin");
        var created = await JsonAsync("keys", "create", "--name", "ci", "--scope", "quota", "--password-stdin", "--json");
        var rotated = await JsonAsync("keys", "rotate", created.GetProperty("id").GetString()!, "--password-stdin", "--json");
        (await WithPasswordAsync("keys", "revoke", rotated.GetProperty("id").GetString()!, "--password-stdin")).ShouldSucceed();
        var keys = (await JsonAsync("keys", "list", "--password-stdin", "--json")).GetProperty("keys").EnumerateArray().ToList();

        keys.Select(static key => (key.GetProperty("name").GetString(), key.GetProperty("revoked_at").ValueKind != JsonValueKind.Null))
            .ShouldBe([("ci", true), ("ci", true), ("Default", false)], ignoreOrder: true);
        rotated.GetProperty("api_key").GetString().ShouldNotBe(created.GetProperty("api_key").GetString());
    }

    [Fact]
    public async Task Logging_out_of_everything_removes_the_keys_of_all_profiles()
    {
        (await SignUpAsync()).ShouldSucceed();
        (await SignUpAsync("bob@example.com", "--profile", "work")).ShouldSucceed();

        (await _cli.RunAsync("logout", "--all")).ShouldSucceed();

        (await File.ReadAllTextAsync(_cli.ConfigPath, TestContext.Current.CancellationToken)).ShouldNotContain("pyr_live_");
        (await _cli.RunAsync("status", "--profile", "work")).ShouldFail(4, "Not logged in", "pyresolve login");
    }

    [Fact]
    public async Task A_profile_is_chosen_until_another_is()
    {
        (await SignUpAsync()).ShouldSucceed();
        (await SignUpAsync("bob@example.com", "--profile", "work")).ShouldSucceed();

        (await _cli.RunAsync("profiles", "use", "work")).ShouldSucceed();

        (await JsonAsync("status", "--json")).GetProperty("email").GetString().ShouldBe("bob@example.com");
        (await _cli.RunAsync("profiles", "list")).Output.ShouldBe("  default\n* work\n");
        (await _cli.RunAsync("profiles", "use", "wrok")).ShouldFail(2, "There is no profile 'wrok'", "There are: work.");
    }

    [Fact]
    public async Task Doctor_checks_the_configuration_the_server_and_the_key()
    {
        (await SignUpAsync()).ShouldSucceed();

        var checks = (await JsonAsync("doctor", "--json")).GetProperty("checks").EnumerateArray();

        checks.Select(static check => (check.GetProperty("name").GetString(), check.GetProperty("status").GetString()))
            .ShouldBe([("configuration", "ok"), ("folder", "ok"), ("proxy", "ok"), ("server", "ok"), ("key", "ok"), ("usage", "ok")]);
    }

    [Fact]
    public async Task Doctor_fails_and_says_what_to_fix_where_the_server_is_away()
    {
        (await SignUpAsync()).ShouldSucceed();
        _cli.Environment["PYRESOLVE_API_URL"] = "http://127.0.0.1:9";

        var result = await _cli.RunAsync("doctor");

        result.ExitCode.ShouldBe(1);
        result.Output.ShouldContain("✗ server: ");
        result.Output.ShouldContain("✓ configuration: ");
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _cli.Dispose();
    }

    private Task<CommandResult> SignUpAsync(string email = Email, params string[] more) =>
        WithPasswordAsync(["signup", "--email", email, "--password-stdin", "--api-url", Address, .. more]);

    private Task<CommandResult> WithPasswordAsync(params string[] arguments) =>
        _cli.RunWithInputAsync($"{TestAccount.Password}\n", arguments);

    private async Task<JsonElement> JsonAsync(params string[] arguments)
    {
        var result = await WithPasswordAsync(arguments);
        result.ExitCode.ShouldBe(0, result.Error);
        return JsonDocument.Parse(result.Output).RootElement;
    }
}
