namespace PyResolve.SeedCli.Tests;

public sealed class LogoutTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task Logout_removes_the_key(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        using var seed = new SeedCommandLine(account.Http.BaseAddress!);
        await seed.LogInAsync(account.ApiKey);

        var output = await seed.LogOutAsync();

        output.ShouldBe("✓ Logged out successfully");
        (await seed.StatusAsync()).ShouldStartWith("Not logged in\n");
    }

    [Fact]
    public async Task Logout_without_a_login_says_so()
    {
        using var stopped = new StoppedServer();
        using var seed = new SeedCommandLine(stopped.Address);

        var output = await seed.LogOutAsync();

        output.ShouldBe("Not logged in");
    }
}
