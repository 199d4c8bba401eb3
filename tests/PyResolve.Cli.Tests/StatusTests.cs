using PyResolve.Cli.Tests.Infrastructure;
using PyResolve.Client.Wire;

namespace PyResolve.Cli.Tests;

public sealed class StatusTests : IAsyncLifetime
{
    private readonly CliDriver _cli = new();
    private ScriptedServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = (await ScriptedServer.StartAsync()).WithAccount();
        _cli.WithLogin(_server.Address, Account.Key);
    }

    [Fact]
    public async Task It_says_who_where_with_what_key_and_how_much_is_left()
    {
        _server.WithAccount(Account.Quota(used: 2, held: 1));

        var result = await _cli.RunAsync("status");

        result.ShouldSucceed();
        result.Error.ShouldBeEmpty();
        result.Output.ShouldBe($"""
            Email:  ada@example.com
            Plan:   FREE
            Server: {_server.Address.OriginalString}
            Key:    {Account.MaskedKey} (from {_cli.ConfigPath})

            This month (2026-11):
              Migrations: 2/5 used, 1 held, 2 remaining
              LLM access: ✗ (upgrade to Pro)
              Resets:     2026-12-01 00:00 UTC

            """);
    }

    [Fact]
    public async Task A_plan_without_a_limit_has_no_limit()
    {
        var quota = Account.Quota(used: 37, llm: true) with { Plan = "unlimited", MigrationsLimit = QuotaLimit.Unlimited, MigrationsRemaining = QuotaLimit.Unlimited };
        _server.WithAccount(quota);

        var result = await _cli.RunAsync("status");

        result.ShouldSucceed();
        result.Output.ShouldContain("Migrations: 37 used, no limit");
        result.Output.ShouldContain("LLM access: ✓");
    }

    [Fact]
    public async Task The_seeds_own_members_of_the_answer_are_enough()
    {
        _server.On("GET /me", 200, "application/json", """
            {"user_id":"01930000-0000-7000-8000-000000000001","email":"ada@example.com","plan":"free","quota":{"plan":"free","migrations_used":1,
            "migrations_limit":5,"migrations_remaining":4,"llm_allowed":false,"can_migrate":true}}
            """);

        var result = await _cli.RunAsync("status");

        result.ShouldSucceed();
        result.Output.ShouldContain("This month:\n  Migrations: 1/5 used, 4 remaining\n");
        result.Output.ShouldNotContain("Resets");
    }

    [Fact]
    public async Task A_key_in_the_environment_wins_and_is_said_to()
    {
        _cli.Environment["PYRESOLVE_API_KEY"] = Account.OtherKey;

        var result = await _cli.RunAsync("status");

        result.ShouldSucceed();
        _server.Requests.ShouldHaveSingleItem().ApiKey.ShouldBe(Account.OtherKey);
        result.Output.ShouldContain("(from PYRESOLVE_API_KEY)");
        result.Error.ShouldContain($"PYRESOLVE_API_KEY overrides the key saved in {_cli.ConfigPath}");
    }

    [Fact]
    [Trait("Platform", "Unix")]
    public async Task A_file_that_others_can_read_is_warned_of()
    {
        File.SetUnixFileMode(_cli.ConfigPath, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);

        var result = await _cli.RunAsync("status");

        result.ShouldSucceed();
        result.Error.ShouldContain("chmod 600");
    }

    [Fact]
    public async Task Without_a_key_it_sends_to_login()
    {
        _cli.WithConfig("");

        (await _cli.RunAsync("status")).ShouldFail(4, "Not logged in", "Run: pyresolve login");
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _cli.Dispose();
    }
}
