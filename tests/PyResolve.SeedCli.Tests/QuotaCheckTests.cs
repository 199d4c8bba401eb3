namespace PyResolve.SeedCli.Tests;

public sealed class QuotaCheckTests(SharedServers servers)
{
    [Fact]
    public async Task Without_a_key_tier1_is_free_and_the_server_is_not_asked()
    {
        using var stopped = new StoppedServer();
        using var seed = new SeedCommandLine(stopped.Address);

        var check = await seed.CheckQuotaAsync("tier1");

        check.ShouldBe(new QuotaCheck(MayMigrate: true, ""));
    }

    [Theory, InlineData("tier2"), InlineData("tier3")]
    public async Task Without_a_key_an_LLM_tier_needs_a_login(string tier)
    {
        using var stopped = new StoppedServer();
        using var seed = new SeedCommandLine(stopped.Address);

        var check = await seed.CheckQuotaAsync(tier);

        check.ShouldBe(new QuotaCheck(MayMigrate: false, """
            ⚠️  LLM-powered migrations require authentication

            Options:
              1. Run: pyresolve login
              2. Get free account: https://pyresolve.dev
              3. Use --tier1-only flag for AST-only migration
            """));
    }

    [Theory, OnBothEngines]
    public async Task A_revoked_key_is_refused(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        await account.RevokeKeyAsync();
        using var seed = SeedCommandLine.For(account);

        var check = await seed.CheckQuotaAsync("tier1");

        check.ShouldBe(new QuotaCheck(MayMigrate: false, "❌ Invalid API key. Run: pyresolve login"));
    }

    [Theory, OnBothEngines]
    public async Task The_remaining_migrations_are_shown(StorageEngine engine)
    {
        using var seed = SeedCommandLine.For(await servers.SignUpAsync(engine));

        var check = await seed.CheckQuotaAsync("tier1");

        check.ShouldBe(new QuotaCheck(MayMigrate: true, "📊 Quota: 5 migrations remaining this month"));
    }

    [Theory, OnBothEngines]
    public async Task Without_a_limit_nothing_is_shown(StorageEngine engine)
    {
        using var seed = SeedCommandLine.For(await servers.SignUpAsync(engine, plan: "unlimited"));

        var check = await seed.CheckQuotaAsync("tier3");

        check.ShouldBe(new QuotaCheck(MayMigrate: true, ""));
    }

    [Theory, OnBothEngines]
    public async Task Migrations_up_to_the_limit_end_at_it(StorageEngine engine)
    {
        using var seed = SeedCommandLine.For(await servers.SignUpAsync(engine));
        for (var migration = 1; migration <= 5; migration++)
            await seed.LogUsageAsync();

        var check = await seed.CheckQuotaAsync("tier1");

        check.ShouldBe(new QuotaCheck(MayMigrate: false, """
            ❌ Monthly limit reached (5 migrations)
               Upgrade at https://pyresolve.dev/pricing
            """));
    }

    [Theory, OnBothEngines]
    public async Task Reservations_of_newer_clients_count_against_the_limit(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        using var seed = SeedCommandLine.For(account);
        (await account.ReserveAsync(quantity: 5)).Status.ShouldBe(201);

        var check = await seed.CheckQuotaAsync("tier1");

        check.MayMigrate.ShouldBeFalse();
        check.Output.ShouldStartWith("❌ Monthly limit reached (5 migrations)\n");
    }

    [Theory, OnBothEngines]
    public async Task Usage_past_the_limit_is_recorded_and_nothing_remains(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        using var seed = SeedCommandLine.For(account);
        (await account.ReserveAsync(quantity: 5)).Status.ShouldBe(201);

        await seed.LogUsageAsync();

        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 1, Held: 5, Remaining: 0));
    }

    [Theory, OnBothEngines]
    public async Task The_free_plan_has_no_LLM_tiers(StorageEngine engine)
    {
        using var seed = SeedCommandLine.For(await servers.SignUpAsync(engine));

        var check = await seed.CheckQuotaAsync("tier2");

        check.ShouldBe(new QuotaCheck(MayMigrate: false, """
            ❌ LLM migrations require Pro plan
               Upgrade at https://pyresolve.dev/pricing
               Or use --tier1-only for free AST migration
            """));
    }

    [Fact]
    public async Task Against_a_stopped_server_it_continues_offline()
    {
        using var stopped = new StoppedServer();
        using var seed = new SeedCommandLine(stopped.Address) { EnvironmentKey = "pyr_live_" + new string('0', 48) };

        var check = await seed.CheckQuotaAsync("tier2");

        check.ShouldBe(new QuotaCheck(MayMigrate: true, "⚠️  Could not reach API, proceeding in offline mode"));
    }
}
