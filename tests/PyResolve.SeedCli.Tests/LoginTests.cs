namespace PyResolve.SeedCli.Tests;

public sealed class LoginTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task Login_prints_the_email_the_plan_and_the_remaining_migrations(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        using var seed = new SeedCommandLine(account.Http.BaseAddress!);

        var output = await seed.LogInAsync(account.ApiKey);

        output.ShouldBe($"""
            ✓ Authenticated as {account.Email}
              Plan: free
              Migrations remaining: 5
            """);
    }

    [Theory, OnBothEngines]
    public async Task Login_without_a_limit_says_unlimited(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine, plan: "unlimited");
        using var seed = new SeedCommandLine(account.Http.BaseAddress!);

        var output = await seed.LogInAsync(account.ApiKey);

        output.ShouldBe($"""
            ✓ Authenticated as {account.Email}
              Plan: unlimited
              Migrations remaining: unlimited
            """);
    }

    [Theory, OnBothEngines]
    public async Task Login_asks_for_the_key_if_none_is_given(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        using var seed = new SeedCommandLine(account.Http.BaseAddress!);

        var output = await seed.LogInAtThePromptAsync(account.ApiKey);

        output.ShouldStartWith("Enter your API key:");
        output.ShouldContain($"✓ Authenticated as {account.Email}");
    }

    [Theory, OnBothEngines]
    public async Task Login_saves_the_key_for_later_commands(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        using var seed = new SeedCommandLine(account.Http.BaseAddress!);

        await seed.LogInAsync(account.ApiKey);

        (await File.ReadAllTextAsync(seed.ConfigFile, TestContext.Current.CancellationToken)).ShouldBe($"api_key = \"{account.ApiKey}\"\n");
        (await seed.StatusAsync()).ShouldStartWith($"Email: {account.Email}\n");
    }

    [Fact]
    public async Task A_malformed_key_is_refused_without_a_request()
    {
        using var stopped = new StoppedServer();
        using var seed = new SeedCommandLine(stopped.Address);

        var output = await seed.LogInAsync("sk_live_51H");

        output.ShouldBe("""
            ❌ Invalid API key format. Keys start with 'pyr_live_'
               Get your key at https://pyresolve.dev/settings
            """);
    }

    [Theory, OnBothEngines]
    public async Task A_wrong_key_is_refused_and_not_saved(StorageEngine engine)
    {
        using var seed = new SeedCommandLine((await servers.OnAsync(engine)).Address);

        var output = await seed.LogInAsync("pyr_live_" + new string('0', 48));

        output.ShouldBe("""
            ❌ Invalid API key
               Get your key at https://pyresolve.dev/settings
            """);
        File.Exists(seed.ConfigFile).ShouldBeFalse();
    }

    [Fact]
    public async Task Login_against_a_stopped_server_is_a_connection_error()
    {
        using var stopped = new StoppedServer();
        using var seed = new SeedCommandLine(stopped.Address);

        var output = await seed.LogInAsync("pyr_live_" + new string('0', 48));

        output.ShouldMatch(@"\A❌ Connection error: \[Errno [0-9]+\] Connection refused\z");
        File.Exists(seed.ConfigFile).ShouldBeFalse();
    }
}
