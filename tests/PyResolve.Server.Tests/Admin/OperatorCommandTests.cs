namespace PyResolve.Server.Tests.Admin;

/// <summary>The server's binary as the operator's tool.</summary>
public sealed class OperatorCommandTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task Accounts_are_listed_with_plan_and_usage(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        await own.SignUpAsync("grace@example.com");
        await own.SignUpAsync("ada@example.com");

        var result = await RunAsync(own.Store, "accounts", "list");

        result.OrThrow("accounts list");
        var lines = result.Output.TrimEnd().Split('\n');
        lines[0].ShouldStartWith("E-MAIL");
        lines[1].ShouldMatch(@"^ada@example\.com +free +0 +2026-11-15");
        lines[2].ShouldMatch(@"^grace@example\.com +free +0 +2026-11-15");
        lines.Length.ShouldBe(3);
    }

    [Theory, OnBothEngines]
    public async Task A_plan_that_is_set_holds_at_once_on_a_running_server(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync("ada@example.com");

        var result = await RunAsync(own.Store, "accounts", "set-plan", "Ada@Example.com", "enterprise");

        result.OrThrow("set-plan").Output.Trim().ShouldBe("ada@example.com is on the enterprise plan now.");
        (await account.Key.GetAsync("/quota"))["migrations_limit"].GetString().ShouldBe("unlimited");
    }

    [Theory, OnBothEngines]
    public async Task A_plan_or_account_that_is_not_there_is_named(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        await own.SignUpAsync("ada@example.com");

        var plan = await RunAsync(own.Store, "accounts", "set-plan", "ada@example.com", "gold");
        var account = await RunAsync(own.Store, "accounts", "set-plan", "bob@example.com", "pro");

        (plan.ExitCode, plan.Error.Trim()).ShouldBe((2, "There is no plan 'gold'. The plans are free, pro, unlimited, enterprise."));
        (account.ExitCode, account.Error.Trim()).ShouldBe((1, "There is no account bob@example.com. The command 'accounts list' shows them all."));
        (await own.Store.ReadNumberAsync("select count(*) from profiles where plan = 'free'")).ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task The_schema_can_be_made_ahead_of_the_first_server(StorageEngine engine)
    {
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);

        var before = await RunAsync(store, "accounts", "list");
        var first = await RunAsync(store, "migrate-schema");
        var second = await RunAsync(store, "migrate-schema");

        (before.ExitCode, before.Error.Trim()).ShouldBe((1, "The database has no schema yet. Run the server's command migrate-schema."));
        first.OrThrow("migrate-schema").Output.ShouldContain("Applied 0001_foundation.");
        second.OrThrow("migrate-schema").Output.ShouldNotContain("Applied");
        second.Output.ShouldContain("The schema is at version ");
        (await RunAsync(store, "accounts", "list")).OrThrow("accounts list").Output.ShouldStartWith("E-MAIL");
    }

    [Theory]
    [InlineData("accounts")]
    [InlineData("accounts", "remove", "ada@example.com")]
    [InlineData("accounts", "set-plan", "ada@example.com")]
    [InlineData("serve")]
    public async Task An_unknown_command_shows_those_that_there_are(params string[] command)
    {
        await using var store = await TestStore.CreateAsync(StorageEngine.Sqlite, servers.Postgres);

        var result = await RunAsync(store, command);

        result.ExitCode.ShouldBe(2);
        result.Error.ShouldStartWith($"There is no such command: {string.Join(' ', command)}");
        result.Error.ShouldContain("accounts set-plan <e-mail> <plan>");
        result.Output.ShouldBeEmpty();
    }

    [Fact]
    public async Task Help_is_an_answer_not_an_error()
    {
        var result = await ServerProcess.RunAsync(["--help"], new Dictionary<string, string?>(), TestContext.Current.CancellationToken);

        result.ExitCode.ShouldBe(0);
        result.Output.ShouldStartWith("Usage: PyResolve.Server");
    }

    private static Task<CommandResult> RunAsync(TestStore store, params string[] command) =>
        ServerProcess.RunAsync(command, store.Settings, TestContext.Current.CancellationToken);
}
