using System.Text.RegularExpressions;
using PyResolve.Cli.Tests.Infrastructure;
using PyResolve.Client;

namespace PyResolve.Cli.Tests;

/// <summary>What <c>--json</c> writes is a contract: each shape is kept in a file, without what differs between runs.</summary>
[Trait("Platform", "Unix")]
public sealed partial class JsonShapeTests : IAsyncLifetime
{
    private readonly CliDriver _cli = new CliDriver().WithFile("app.py", "v1\n")
        .WithFile("model.py", "from pydantic import BaseModel\n\n\nclass User(BaseModel):\n    nick: str | None\n");
    private readonly FakePyResolveServer _server = FakeServer.Start();
    private PyResolveClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _server.Account.Plan = "pro";
        _server.Migrator = static _ => new()
        {
            Files = new Dictionary<string, string?> { ["app.py"] = "v3\n", ["new.py"] = "n\n" },
            TokensUsed = 1_200,
            Log = "Rewrote 1 file.\n",
        };
        _cli.WithLogin(_server);
        await File.AppendAllTextAsync(
            _cli.ConfigPath, $"\n[profiles.work]\napi_key = \"{_server.Account.AddApiKey()}\"\napi_url = \"{_server.Address}\"\n",
            TestContext.Current.CancellationToken);
        _client = _server.CreateClient();
    }

    [Theory]
    [InlineData("status", "status --json")]
    [InlineData("status-explain", "status --explain --json")]
    [InlineData("usage", "usage --json")]
    [InlineData("usage-history", "usage --history --json")]
    [InlineData("upgrade", "upgrade pydantic --target 2.0 --json")]
    [InlineData("upgrade-dry-run", "upgrade pydantic --target 2.0 --dry-run --json")]
    [InlineData("upgrade-remote", "upgrade pydantic --target 2.0 --remote --json")]
    [InlineData("upgrade-remote-dry-run", "upgrade pydantic --target 2.0 --remote --dry-run --json")]
    [InlineData("holds-list", "holds list --json")]
    [InlineData("holds-release", "holds release --all --yes --json")]
    [InlineData("prepay-take", "prepay take 3 --json")]
    [InlineData("prepay-show", "prepay show --json")]
    [InlineData("prepay-return", "prepay return --json")]
    [InlineData("plan", "plan --json")]
    [InlineData("plan-upgrade", "plan upgrade --json")]
    [InlineData("sync", "sync --json")]
    [InlineData("doctor", "doctor --json")]
    [InlineData("profiles-list", "profiles list --json")]
    [InlineData("profiles-use", "profiles use work --json")]
    [InlineData("profiles-remove", "profiles remove work --yes --json")]
    [InlineData("config-path", "config path --json")]
    [InlineData("config-get", "config get api_key --json")]
    [InlineData("config-set", "config set migrators.pydantic tool --json")]
    [InlineData("keys-list", "keys list --password-stdin --json")]
    [InlineData("keys-create", "keys create --name ci --scope quota --expires-in-days 30 --password-stdin --json")]
    [InlineData("login", "login --email ada@example.com --password-stdin --profile lab --json")]
    [InlineData("logout", "logout --all --json")]
    public async Task A_result_has_the_approved_shape(string shape, string arguments)
    {
        // The command line has this machine's clock, by which prepaid migrations of the fake's day would be over.
        if (shape == "sync")
            _server.Clock.Advance(TimeProvider.System.GetUtcNow() - _server.Clock.GetUtcNow());
        await using var permit = await _client.Quota.AcquireAsync(new("pydantic"), TestContext.Current.CancellationToken);
        (await _cli.RunAsync(
            "upgrade", "pydantic", "--target", "2.0", "--migrator", "sh -c 'echo v2 > \"$1/app.py\"' sh {path}")).ShouldSucceed();
        (await _cli.RunAsync("prepay", "take", "2", "--tier", "tier3")).ShouldSucceed();
        if (shape == "login")
            _cli.Environment["PYRESOLVE_API_URL"] = _server.Address;

        var result = await _cli.RunWithInputAsync($"{_server.Account.Password}\n", arguments.Split(' '));

        result.ExitCode.ShouldBe(0, result.Output + result.Error);
        Scrub(result.Output).ShouldBeApprovedAs($"tests/PyResolve.Cli.Tests/Json/{shape}.json");
    }

    [Fact]
    public async Task Keys_that_are_rotated_and_revoked_have_the_approved_shapes()
    {
        var id = _server.Account.ApiKeys[^1].Id.ToString();
        var password = $"{_server.Account.Password}\n";

        var rotated = await _cli.RunWithInputAsync(password, "keys", "rotate", id, "--grace-seconds", "60", "--password-stdin", "--json");
        var revoked = await _cli.RunWithInputAsync(password, "keys", "revoke", id, "--password-stdin", "--json");

        Scrub(rotated.Output).ShouldBeApprovedAs("tests/PyResolve.Cli.Tests/Json/keys-rotate.json");
        Scrub(revoked.Output).ShouldBeApprovedAs("tests/PyResolve.Cli.Tests/Json/keys-revoke.json");
    }

    [Theory]
    [InlineData("error-usage", "status --jsn --json", 2)]
    [InlineData("error-authentication", "status --json", 4)]
    public async Task An_error_is_JSON_on_standard_error_alone(string shape, string arguments, int exitCode)
    {
        _server.Account.RevokeApiKeys();

        var result = await _cli.RunAsync(arguments.Split(' '));

        result.ExitCode.ShouldBe(exitCode);
        result.Output.ShouldBeEmpty();
        Scrub(result.Error).ShouldBeApprovedAs($"tests/PyResolve.Cli.Tests/Json/{shape}.json");
    }

    public async ValueTask DisposeAsync()
    {
        await _client.DisposeAsync();
        _server.Dispose();
        _cli.Dispose();
    }

    private string Scrub(string json)
    {
        var fixedParts = json.Replace(_cli.Home, "<home>", StringComparison.Ordinal)
            .Replace(_server.Address, "<server>", StringComparison.Ordinal);
        var withoutKeys = Key.Replace(fixedParts, "pyr_live_<key>");
        var withoutTimes = Instant.Replace(Id.Replace(withoutKeys, "<id>"), "<time>");
        return Age.Replace(CheckoutId.Replace(withoutTimes, "<session>"), "\"oldest_seconds\": 0");
    }

    [GeneratedRegex("pyr_live_[0-9a-f]+", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Key { get; }

    [GeneratedRegex("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Id { get; }

    [GeneratedRegex(@"20\d\d-\d\d-\d\dT[0-9:.]+(Z|[+]00:00)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Instant { get; }

    [GeneratedRegex("cs_test_[A-Za-z0-9_]+", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex CheckoutId { get; }

    [GeneratedRegex("\"oldest_seconds\": [0-9]+", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Age { get; }
}
