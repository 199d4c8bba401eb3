using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

public sealed class StatusTests : IDisposable
{
    private readonly CliDriver _cli = new();
    private readonly FakePyResolveServer _server = FakeServer.Start();

    public StatusTests() => _cli.WithLogin(_server);

    [Fact]
    public async Task It_shows_the_account_the_server_the_key_and_the_quota()
    {
        await using var client = _server.CreateClient();
        await using var reserved = await client.Quota.AcquireAsync(new("pydantic"), TestContext.Current.CancellationToken);

        var result = await _cli.RunAsync("status");

        result.ShouldSucceed();
        result.Error.ShouldBeEmpty();
        result.Output.ShouldBe($"""
            Email:  ada@example.com
            Plan:   FREE
            Server: {_server.Address}
            Key:    {_server.Account.ApiKey[..20]}… (from {_cli.ConfigPath})

            This month (2026-11):
              ████████████░░░░░░░░ 60 %
              Migrations: 2/5 used, 1 held, 2 remaining
              LLM access: ✗ (upgrade to Pro)
              Resets:     2026-12-01 00:00 UTC

            """);
    }

    [Fact]
    public async Task A_plan_without_a_limit_has_no_limit()
    {
        (_server.Account.Plan, _server.Account.MigrationsUsed) = ("unlimited", 37);

        var result = await _cli.RunAsync("status");

        result.ShouldSucceed();
        result.Output.ShouldContain("Migrations: 37 used, no limit");
        result.Output.ShouldContain("LLM access: ✓");
    }

    [Fact]
    public async Task The_members_of_the_seeds_answer_are_enough()
    {
        const string Answer = """
            {"user_id":"01930000-0000-7000-8000-000000000001","email":"ada@example.com","plan":"free","quota":{"plan":"free","migrations_used":1,
            "migrations_limit":5,"migrations_remaining":4,"llm_allowed":false,"can_migrate":true}}
            """;
        _server.Inject(Fault.Answer(200, "application/json", Answer), "GET /me");

        var result = await _cli.RunAsync("status");

        result.ShouldSucceed();
        result.Output.ShouldContain("This month:\n  ████░░░░░░░░░░░░░░░░ 20 %\n  Migrations: 1/5 used, 4 remaining\n");
        result.Output.ShouldNotContain("Resets");
    }

    [Fact]
    public async Task A_key_in_the_environment_wins_with_a_warning()
    {
        var key = _server.Account.AddApiKey();
        _cli.Environment["PYRESOLVE_API_KEY"] = key;

        var result = await _cli.RunAsync("status");

        result.ShouldSucceed();
        _server.Requests.ShouldHaveSingleItem().ApiKey().ShouldBe(key);
        result.Output.ShouldContain("(from PYRESOLVE_API_KEY)");
        result.Error.ShouldContain($"PYRESOLVE_API_KEY overrides the key saved in {_cli.ConfigPath}");
    }

    [Fact]
    [Trait("Platform", "Unix")]
    public async Task A_file_that_other_users_can_read_gives_a_warning()
    {
        File.SetUnixFileMode(_cli.ConfigPath, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);

        var result = await _cli.RunAsync("status");

        result.ShouldSucceed();
        result.Error.ShouldContain("chmod 600");
    }

    [Fact]
    public async Task Migrations_run_offline_are_sent_before_the_quota_is_shown()
    {
        _cli.WithFile("app.py", "v1\n");
        foreach (var route in (string[])["POST /quota/reservations", "POST /usage", "POST /usage/batch"])
            _server.Inject(Fault.DropRequest, route, int.MaxValue);
        (await _cli.RunAsync("upgrade", "pydantic", "--target", "2.0", "--migrator", "sh -c 'echo v2 > \"$1/app.py\"' sh {path}"))
            .ShouldSucceed();
        var offline = await _cli.RunAsync("status");
        _server.Heal();

        var online = await _cli.RunAsync("status");

        offline.Output.ShouldContain("Waiting:    1 usage event not sent yet. To send: pyresolve sync");
        online.Output.ShouldContain("Migrations: 3/5 used");
        online.Output.ShouldNotContain("Waiting");
    }

    [Fact]
    public async Task Sync_sends_what_was_used_offline()
    {
        _cli.WithFile("app.py", "v1\n");
        foreach (var route in (string[])["POST /quota/reservations", "POST /usage", "POST /usage/batch"])
            _server.Inject(Fault.DropRequest, route, int.MaxValue);
        (await _cli.RunAsync("upgrade", "pydantic", "--target", "2.0", "--migrator", "sh -c 'echo v2 > \"$1/app.py\"' sh {path}"))
            .ShouldSucceed();
        (await _cli.RunAsync("sync")).ShouldFail(5, "Cannot reach", "Check the network");
        _server.Heal();

        (await _cli.RunAsync("sync")).Output.ShouldBe("✓ Sent 1 usage event\n");
        (await _cli.RunAsync("sync")).Output.ShouldBe("✓ Nothing waits to be sent\n");
    }

    [Fact]
    public async Task Without_a_key_it_refers_to_login()
    {
        _cli.WithConfig("");

        (await _cli.RunAsync("status")).ShouldFail(4, "Not logged in", "Run: pyresolve login");
    }

    public void Dispose()
    {
        _server.Dispose();
        _cli.Dispose();
    }
}
