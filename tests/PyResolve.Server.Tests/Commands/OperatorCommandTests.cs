using System.Net;
using System.Net.Sockets;

namespace PyResolve.Server.Tests.Commands;

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
        lines[0].ShouldStartWith("EMAIL");
        lines[1].ShouldMatch(@"^ada@example\.com +free +0 +2026-11-15");
        lines[2].ShouldMatch(@"^grace@example\.com +free +0 +2026-11-15");
        lines.Length.ShouldBe(3);
    }

    [Theory, OnBothEngines]
    public async Task A_plan_that_is_set_is_effective_immediately_on_a_running_server(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync("ada@example.com");

        var result = await RunAsync(own.Store, "accounts", "set-plan", "Ada@Example.com", "enterprise");

        result.OrThrow("set-plan").Output.Trim().ShouldBe("ada@example.com is on the enterprise plan now.");
        (await account.Key.GetAsync("/quota"))["migrations_limit"].GetString().ShouldBe("unlimited");
    }

    [Theory, OnBothEngines]
    public async Task An_unknown_plan_or_account_is_named_in_the_error(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        await own.SignUpAsync("ada@example.com");

        var plan = await RunAsync(own.Store, "accounts", "set-plan", "ada@example.com", "gold");
        var account = await RunAsync(own.Store, "accounts", "set-plan", "bob@example.com", "pro");

        (plan.ExitCode, plan.Error.Trim()).ShouldBe((2, "There is no plan 'gold'. The plans are free, pro, unlimited, enterprise."));
        (account.ExitCode, account.Error.Trim()).ShouldBe(
            (1, "There is no account bob@example.com. The command 'accounts list' shows them all."));
        (await own.Store.ReadNumberAsync("select count(*) from profiles where plan = 'free'")).ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task A_plan_can_be_set_until_a_day_and_only_until_one_that_comes(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        await own.SignUpAsync("ada@example.com");

        var past = await RunAsync(own.Store, "accounts", "set-plan", "ada@example.com", "pro", "--until", "2020-01-31");
        var wrong = await RunAsync(own.Store, "accounts", "set-plan", "ada@example.com", "pro", "--until", "soon");
        var set = await RunAsync(own.Store, "accounts", "set-plan", "ada@example.com", "pro", "--until", "2199-12-31");
        var json = await RunAsync(own.Store, "accounts", "set-plan", "ada@example.com", "pro", "--until", "2199-12-31", "--json");

        (past.ExitCode, wrong.ExitCode).ShouldBe((2, 2));
        wrong.Error.Trim().ShouldBe("--until must be a day from today on, such as 2026-12-31.");
        set.OrThrow("set-plan").Output.Trim().ShouldBe("ada@example.com is on the pro plan now, until the end of 2199-12-31 (UTC).");
        json.OrThrow("set-plan").Output.ShouldContain("\"until\":\"2200-01-01T00:00:00.000000Z\"");
        (await own.Store.ReadNumberAsync("select count(*) from profiles where plan_until is not null and plan_then = 'free'")).ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task Operators_are_added_listed_given_another_role_and_removed(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        await own.SignUpAsync("ada@example.com");

        var none = await RunAsync(own.Store, "operator", "list");
        var added = await RunAsync(own.Store, "operator", "add", "Ada@Example.com");
        var raised = await RunAsync(own.Store, "operator", "add", "ada@example.com", "--role", "admin", "--json");
        var listed = await RunAsync(own.Store, "operator", "list");
        var json = await RunAsync(own.Store, "operator", "list", "--json");
        var removed = await RunAsync(own.Store, "operator", "remove", "ada@example.com");
        var again = await RunAsync(own.Store, "operator", "remove", "ada@example.com");

        none.OrThrow("list").Output.ShouldContain("There is no operator.");
        added.OrThrow("add").Output.Trim().ShouldBe(
            "ada@example.com is an operator now, with the role support. The pages are under /operator.");
        raised.OrThrow("add").Output.ShouldContain("\"role\":\"admin\"");
        listed.OrThrow("list").Output.ShouldMatch(@"ada@example\.com +admin +20");
        json.OrThrow("list").Output.ShouldContain("\"data\":[{\"id\":");
        removed.OrThrow("remove");
        (again.ExitCode, again.Error.Trim()).ShouldBe(
            (1, "ada@example.com is no operator. The command 'operator list' shows them all."));
        (await own.Store.ReadNumberAsync("select count(*) from audit_log where action like 'operator.%'")).ShouldBe(3);
    }

    [Theory, OnBothEngines]
    public async Task The_schema_can_be_created_before_the_first_start(StorageEngine engine)
    {
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);

        var before = await RunAsync(store, "accounts", "list");
        var first = await RunAsync(store, "migrate-schema");
        var second = await RunAsync(store, "migrate-schema");

        (before.ExitCode, before.Error.Trim()).ShouldBe(engine is StorageEngine.Sqlite
            ? (2, NoDatabaseIn(store.Settings["PYRESOLVE_DATA"]!))
            : (1, "The database has no schema yet. Run the server's command migrate-schema."));
        first.OrThrow("migrate-schema").Output.ShouldContain("Applied 0001_foundation.");
        second.OrThrow("migrate-schema").Output.ShouldNotContain("Applied");
        second.Output.ShouldContain("The schema is at version ");
        (await RunAsync(store, "accounts", "list")).OrThrow("accounts list").Output.ShouldStartWith("EMAIL");
    }

    [Theory]
    [InlineData("accounts", "list")]
    [InlineData("backup", "pyresolve.backup")]
    [InlineData("operator", "list")]
    [InlineData("usage", "recompute")]
    public async Task A_command_that_is_told_the_wrong_folder_makes_no_database_there(params string[] command)
    {
        await using var store = await TestStore.CreateAsync(StorageEngine.Sqlite, servers.Postgres);
        var folder = store.Settings["PYRESOLVE_DATA"]!;
        var mistyped = new Dictionary<string, string?>(store.Settings) { ["PYRESOLVE_DATA"] = Path.Combine(folder, "mistyped") };

        var inEmpty = await RunAsync(store, command);
        var inNone = await ServerProcess.RunAsync(command, mistyped, TestContext.Current.CancellationToken);

        (inEmpty.ExitCode, inEmpty.Error.Trim()).ShouldBe((2, NoDatabaseIn(folder)));
        (inNone.ExitCode, inNone.Error.Trim()).ShouldBe((2, NoDatabaseIn(mistyped["PYRESOLVE_DATA"]!)));
        Directory.EnumerateFileSystemEntries(folder).ShouldBeEmpty();
    }

    [Theory]
    [InlineData(
        "is followed by list, create, invite, reset-password, reset-second-factor, set-email, set-plan, grant-credits, delete, export. "
            + "See: PyResolve.Server accounts",
        "accounts")]
    [InlineData("There is no command 'remove' here.", "accounts", "remove", "ada@example.com")]
    [InlineData("Required argument 'plan' missing for command: 'set-plan'.", "accounts", "set-plan", "ada@example.com")]
    [InlineData("There is no command 'serve' here.", "serve")]
    [InlineData("There is no switch or setting 'data'. Settings are those of docs/configuration.md,", "--data", "/x")]
    [InlineData("There is no switch or setting 'force'.", "accounts", "list", "--force=yes")]
    [InlineData("--PyResolve:SessionDays takes a value", "--PyResolve:SessionDays")]
    [InlineData("Either --all or --customer <id>.", "stripe", "sync")]
    public async Task An_invalid_command_line_is_refused_with_the_reason(string message, params string[] command)
    {
        await using var store = await TestStore.CreateAsync(StorageEngine.Sqlite, servers.Postgres);

        var result = await RunAsync(store, command);

        result.ExitCode.ShouldBe(2);
        result.Error.ShouldContain(message);
        result.Error.ShouldContain("--help");
        result.Output.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("accounts", "list")]
    [InlineData("migrate-schema")]
    public async Task A_command_that_is_interrupted_while_the_database_does_not_answer_says_so_in_one_line(params string[] command)
    {
        using var database = new TcpListener(IPAddress.Loopback, port: 0);
        database.Start();
        var settings = new Dictionary<string, string?> { ["DATABASE_URL"] = $"postgres://ann@{database.LocalEndpoint}/billing" };
        var connected = database.AcceptSocketAsync(TestContext.Current.CancellationToken).AsTask();

        var result = await ServerProcess.InterruptAsync(command, settings, connected, TestContext.Current.CancellationToken);

        result.ExitCode.ShouldBe(130, result.Error);
        result.Error.Trim().ShouldBe("Interrupted before it was done. Run it again.");
        result.Output.ShouldBeEmpty();
    }

    [Fact]
    public async Task The_version_is_shown()
    {
        var result = await ServerProcess.RunAsync(["--version"], new Dictionary<string, string?>(), TestContext.Current.CancellationToken);

        result.ExitCode.ShouldBe(0);
        result.Output.ShouldMatch(@"^\d+\.\d+\.\d+");
    }

    [Fact]
    public async Task Help_is_an_answer_not_an_error()
    {
        var result = await ServerProcess.RunAsync(["--help"], new Dictionary<string, string?>(), TestContext.Current.CancellationToken);

        result.ExitCode.ShouldBe(0);
        result.Output.ShouldContain("migrate-schema");
        result.Output.ShouldContain("stripe");
    }

    private static string NoDatabaseIn(string folder) =>
        $"There is no database in {folder} (PYRESOLVE_DATA). Name the server's folder there, or its settings with --env-file. A new "
        + "server's database is made by its first start.";

    private static Task<CommandResult> RunAsync(TestStore store, params string[] command) =>
        ServerProcess.RunAsync(command, store.Settings, TestContext.Current.CancellationToken);
}
