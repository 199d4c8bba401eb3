namespace PyResolve.SeedCli.Tests;

public sealed class UsageLogTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task Logged_usage_shows_in_the_quota_and_in_status(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        using var seed = SeedCommandLine.For(account);

        var output = await seed.LogUsageAsync();

        output.ShouldBeEmpty();
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 1, Held: 0, Remaining: 4));
        (await seed.StatusAsync()).ShouldContain("  Migrations: 1/5\n");
        (await seed.CheckQuotaAsync("tier1")).Output.ShouldBe("📊 Quota: 4 migrations remaining this month");
    }

    [Theory, OnBothEngines]
    public async Task Logged_usage_has_the_values_that_the_command_line_sent(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        using var seed = SeedCommandLine.For(await own.SignUpAsync());

        await seed.LogUsageAsync(library: "fastapi", tier: "tier2", filesChanged: 7);

        (await own.Store.ReadNumberAsync("""
            select count(*) from usage_events
            where event_type = 'migration' and library = 'fastapi' and tier = 'tier2' and files_changed = 7 and tokens_used =
                0 and quantity = 1
            """)).ShouldBe(1);
        (await own.Store.ReadNumberAsync("select count(*) from usage_events")).ShouldBe(1);
        (await own.Store.ReadNumberAsync("select llm_migrations from usage_monthly")).ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task Without_a_key_nothing_is_logged(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        using var seed = new SeedCommandLine(own.Server.Address);

        var output = await seed.LogUsageAsync();

        output.ShouldBeEmpty();
        (await own.Store.ReadNumberAsync("select count(*) from usage_events")).ShouldBe(0);
    }

    [Fact]
    public async Task Against_a_stopped_server_logging_is_silent()
    {
        using var stopped = new StoppedServer();
        using var seed = new SeedCommandLine(stopped.Address) { EnvironmentKey = "pyr_live_" + new string('0', 48) };

        var output = await seed.LogUsageAsync();

        output.ShouldBeEmpty();
    }
}
