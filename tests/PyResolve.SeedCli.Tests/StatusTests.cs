namespace PyResolve.SeedCli.Tests;

public sealed class StatusTests(SharedServers servers)
{
    [Fact]
    public async Task Without_a_key_status_says_how_to_log_in()
    {
        using var stopped = new StoppedServer();
        using var seed = new SeedCommandLine(stopped.Address);

        var output = await seed.StatusAsync();

        output.ShouldBe("""
            Not logged in
            Run: pyresolve login
            """);
    }

    [Theory, OnBothEngines]
    public async Task Status_on_the_free_plan_has_a_limit_and_no_LLM(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        using var seed = SeedCommandLine.For(account);

        var output = await seed.StatusAsync();

        output.ShouldBe($"""
            Email: {account.Email}
            Plan:  FREE

            This month:
              Migrations: 0/5
              LLM access: ✗ (upgrade to Pro)
            """);
    }

    [Theory, OnBothEngines]
    public async Task Status_on_the_pro_plan_has_a_limit_and_LLM(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine, plan: "pro");
        using var seed = SeedCommandLine.For(account);

        var output = await seed.StatusAsync();

        output.ShouldBe($"""
            Email: {account.Email}
            Plan:  PRO

            This month:
              Migrations: 0/50
              LLM access: ✓
            """);
    }

    [Theory, OnBothEngines]
    public async Task Status_on_the_enterprise_plan_has_no_limit(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine, plan: "enterprise");
        using var seed = SeedCommandLine.For(account);

        var output = await seed.StatusAsync();

        output.ShouldBe($"""
            Email: {account.Email}
            Plan:  ENTERPRISE

            This month:
              Migrations: 0/unlimited
              LLM access: ✓
            """);
    }

    [Theory, OnBothEngines]
    public async Task Status_takes_the_key_from_the_environment(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        using var seed = SeedCommandLine.For(account);

        var output = await seed.StatusAsync();

        output.ShouldStartWith($"Email: {account.Email}\n");
    }

    [Theory, OnBothEngines]
    public async Task Status_with_a_revoked_key_says_how_to_log_in(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        await account.RevokeKeyAsync();
        using var seed = SeedCommandLine.For(account);

        var output = await seed.StatusAsync();

        output.ShouldBe("""
            ❌ Invalid or expired API key
            Run: pyresolve login
            """);
    }

    [Fact]
    public async Task Status_against_a_stopped_server_is_a_connection_error()
    {
        using var stopped = new StoppedServer();
        using var seed = new SeedCommandLine(stopped.Address) { EnvironmentKey = "pyr_live_" + new string('0', 48) };

        var output = await seed.StatusAsync();

        output.ShouldMatch(@"\A❌ Connection error: \[Errno [0-9]+\] Connection refused\z");
    }
}
