namespace PyResolve.Client.Tests.Keys;

/// <summary>Users such as nobody, services and containers have a HOME that does not exist, is no folder, or is not theirs.</summary>
[Collection(nameof(EnvironmentTests))]
public sealed class HomelessTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(6);

    private readonly ProcessEnvironment _environment = new();

    public void Dispose() => _environment.Dispose();

    [Theory]
    [InlineData("/nonexistent")]
    [InlineData("/nonexistent/deeper")]
    [InlineData("/dev/null")]
    [Trait("Platform", "Unix")]
    public async Task Without_a_home_the_five_minute_program_runs_and_says_what_it_could_not_keep(string home)
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var _ = server;

        var run = await FiveMinutesProcess.RunAsync(server.Url, new() { ["HOME"] = home, ["PYRESOLVE_HOME"] = null });

        run.ExitCode.ShouldBe(0, run.Error);
        run.Output.ShouldStartWith("2 files changed.");
        run.Error.ShouldContain($"this user has no home: there is no folder {home}");
        run.Error.ShouldContain("set PYRESOLVE_HOME to another folder");
        run.Took.ShouldBeLessThan(Limit);
        ledger.Charges.ShouldBe(1);
        Directory.Exists("/nonexistent").ShouldBeFalse();
    }

    [Fact]
    [Trait("Platform", "Unix")]
    public async Task Without_a_home_a_folder_of_ones_own_is_enough()
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var _ = server;

        var run = await FiveMinutesProcess.RunAsync(
            server.Url, new() { ["HOME"] = "/nonexistent", ["PYRESOLVE_HOME"] = server.Home.Path });

        (run.ExitCode, run.Error).ShouldBe((0, ""));
        ledger.Charges.ShouldBe(2);
    }

    [Fact]
    [Trait("Platform", "Unix")]
    public async Task Without_a_home_saving_and_prepaying_say_that_there_is_none()
    {
        _environment.Set("HOME", "/nonexistent");
        _environment.Set("PYRESOLVE_API_KEY", ScriptedServer.Key);
        await using var server = await ScriptedServer.StartAsync();
        server.On("GET /.well-known/jwks.json", Answer.Json(200, """{"keys":[]}"""));
        server.On("GET /me", Answer.Json(200, $$"""
            {"user_id":"{{Guid.CreateVersion7()}}","email":"you@example.com","plan":"free","quota":{{Answer.QuotaBody(0)}}}
            """));
        await using var client = PyResolveClient.Create(new() { ApiUrl = server.Url, PrepaidMigrations = 1 });

        Should.Throw<ConfigFileException>(() => new ApiKeyStore().Save(ScriptedServer.Key))
            .Message.ShouldContain("this user has no home: there is no folder /nonexistent");
        var prepaying = client.Quota.PrepayAsync(MigrationTier.Tier2, TestContext.Current.CancellationToken);
        (await Should.ThrowAsync<PyResolveException>(prepaying))
            .Message.ShouldContain("this user has no home: there is no folder /nonexistent");
        new ApiKeyStore().FindApiKey().ShouldNotBeNull().Source.ShouldBe(SettingSource.Environment);
    }

    [Fact]
    public async Task A_file_that_cannot_be_read_matters_only_where_the_environment_says_nothing()
    {
        using var home = new TemporaryHome();
        // A folder in place of the file cannot be read by anyone.
        Directory.CreateDirectory(home.ConfigPath);
        _environment.Set("PYRESOLVE_API_KEY", ScriptedServer.Key);

        Should.Throw<ConfigFileException>(() => PyResolveClient.Create(new() { Home = home.Path })).Hint!
            .ShouldContain("set PYRESOLVE_HOME");
        _environment.Set("PYRESOLVE_API_URL", "https://billing.example");
        await using var client = PyResolveClient.Create(new() { Home = home.Path });

        client.ApiUrl.ShouldBe(new Uri("https://billing.example"));
    }

    [Fact]
    [Trait("Platform", "Unix")]
    public async Task Without_file_locks_the_five_minute_program_runs_as_ever()
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var _ = server;

        var run = await FiveMinutesProcess.RunAsync(
            server.Url, new() { ["DOTNET_SYSTEM_IO_DISABLEFILELOCKING"] = "1", ["PYRESOLVE_HOME"] = server.Home.Path });

        (run.ExitCode, run.Error).ShouldBe((0, ""));
        run.Took.ShouldBeLessThan(Limit);
        ledger.Charges.ShouldBe(2);
    }
}
