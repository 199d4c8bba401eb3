using Npgsql;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Storage;

/// <summary>A database, or a role, that does not fit is refused at start, with what to do.</summary>
public sealed class PostgresRightsTests(SharedServers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_role_that_may_not_create_tables_is_told_the_grant_which_helps()
    {
        await using var one = await RoleAsync();

        var message = await RefusalAsync(one.Own);
        message.ShouldContain($"may not create tables in the schema public");
        await FollowAsync(one, message);

        await ServesAsync(one.Own);
    }

    [Fact]
    public async Task A_role_that_may_not_use_the_tables_of_another_is_told_the_grant_which_helps()
    {
        await using var one = await RoleAsync();
        await ServesAsync(one.Admin);

        var message = await RefusalAsync(one.Own);
        message.ShouldContain("lacks rights on");
        message.ShouldContain("As their owner, postgres: grant select, insert, update, delete on all tables");
        await FollowAsync(one, message);

        await ServesAsync(one.Own);
    }

    [Fact]
    public async Task A_role_from_which_row_level_security_hides_everything_is_refused()
    {
        await using var one = await RoleAsync();
        await ServesAsync(one.Admin);
        await one.Admin.ExecuteSqlAsync(
            $"""
            grant select, insert, update, delete on all tables in schema public to {one.Role};
            alter table profiles enable row level security;
            """);

        var message = await RefusalAsync(one.Own);

        message.ShouldContain("Row level security hides the rows of 1 tables (profiles)");
        await FollowAsync(one, message);
        await ServesAsync(one.Own);
    }

    [Fact]
    public async Task A_right_that_is_taken_from_a_running_server_makes_it_not_ready_rather_than_fail()
    {
        await using var one = await RoleAsync();
        await ServesAsync(one.Admin);
        await one.Admin.ExecuteSqlAsync(
            Guide.Block("hosting.md", "sql", "to pyresolve_server").Replace("pyresolve_server", one.Role, StringComparison.Ordinal));
        await using var server = await TestServer.StartAsync(one.Own);
        var account = await TestAccount.SignUpAsync(server.Http);

        await one.Admin.ExecuteSqlAsync($"revoke all on all tables in schema public from {one.Role}");

        (await account.Key.PostAsync("/usage", new { event_type = "scan" })).Status.ShouldBe(503);
        await Eventually.IsTrueAsync(
            async () => await server.Anonymous.GetAsync("/health/ready") is { Status: 503 } ready
                && ready.Detail!.Contains("lacks a right"),
            cancellationToken: Cancellation);
    }

    [Fact]
    public async Task A_database_that_cannot_store_every_text_is_refused_with_the_command_that_creates_one()
    {
        var address = await servers.Postgres.CreateDatabaseAsync(cancellationToken: Cancellation);
        await using var admin = TestStore.On(address);
        await admin.ExecuteSqlAsync($"create database latin_{Suffix} encoding 'LATIN1' locale 'C' template template0");
        await using var latin = TestStore.On(new NpgsqlConnectionStringBuilder(address) { Database = $"latin_{Suffix}" }.ConnectionString);

        var message = await RefusalAsync(latin);
        message.ShouldContain($"The encoding of the database latin_{Suffix} is LATIN1");
        await admin.ExecuteSqlAsync(message[message.IndexOf("create database", StringComparison.Ordinal)..]);

        await using var utf8 = TestStore.On(
            new NpgsqlConnectionStringBuilder(address) { Database = $"latin_{Suffix}_utf8" }.ConnectionString);
        await ServesAsync(utf8);
    }

    [Fact]
    public async Task With_fewer_connections_than_clients_requests_wait_instead_of_being_refused()
    {
        await using var one = await RoleAsync();
        await one.Admin.ExecuteSqlAsync($"alter role {one.Role} connection limit 8; grant usage, create on schema public to {one.Role}");
        await using var server = await TestServer.StartAsync(one.Own);
        var account = await TestAccount.SignUpAsync(server.Http);

        var failures = await ManyRequests.SendAsync(account);

        failures.ShouldBeEmpty();
    }

    [Fact]
    public async Task Errors_of_a_transaction_pooler_are_an_outage_that_names_the_setting()
    {
        await using var engine = new PostgresEngine(DatabaseUrl.ToConnectionString("postgres://ann@127.0.0.1:9/bill"));
        Exception[] failures =
        [
            new PostgresException("prepared statement \"_auto0\" already exists", "ERROR", "ERROR", "42P05"),
            new PostgresException("prepared statement \"_auto0\" does not exist", "ERROR", "ERROR", "26000"),
#pragma warning disable CA2201 // What the driver throws.
            new Exception("Received unexpected backend message DataRow. Please file a bug."),
#pragma warning restore CA2201
        ];

        foreach (var failure in failures)
        {
            engine.Classify(failure).ShouldBe(FailureKind.Unavailable);
            engine.Explain(failure).ShouldContain("Add pgbouncer=true to DATABASE_URL");
        }
    }

    [Fact]
    public async Task A_pooler_that_refuses_the_settings_of_a_session_is_an_outage_that_names_them()
    {
        await using var engine = new PostgresEngine(DatabaseUrl.ToConnectionString("postgres://ann@127.0.0.1:9/bill"));
        var failure = new PostgresException("unsupported startup parameter: options", "FATAL", "FATAL", "08P01");

        engine.Classify(failure).ShouldBe(FailureKind.Unavailable);
        engine.Explain(failure).ShouldContain("Leave options and statement_timeout out of DATABASE_URL");
    }

    private static string Suffix { get; } = Guid.CreateVersion7(TimeProvider.System.GetUtcNow()).ToString("n");

    private async Task<RoleOfItsOwn> RoleAsync()
    {
        var address = await servers.Postgres.CreateDatabaseAsync(cancellationToken: Cancellation);
        var role = $"role_{Guid.CreateVersion7(TimeProvider.System.GetUtcNow()):n}";
        var admin = TestStore.On(address);
        await admin.ExecuteSqlAsync($"create role {role} login");
        return new RoleOfItsOwn(admin, TestStore.On(new NpgsqlConnectionStringBuilder(address) { Username = role }.ConnectionString), role);
    }

    private static async Task ServesAsync(TestStore store)
    {
        await using var server = await TestServer.StartAsync(store);
        (await TestAccount.SignUpAsync(server.Http)).ApiKey.ShouldNotBeEmpty();
    }

    private static async Task<string> RefusalAsync(TestStore store) =>
        (await Should.ThrowAsync<SchemaIncompatibleException>(() => TestServer.StartAsync(store))).Message;

    /// <summary>Runs the statement that the message ends with.</summary>
    private static Task<int> FollowAsync(RoleOfItsOwn one, string message) =>
        one.Admin.ExecuteSqlAsync(message[message.LastIndexOf(": ", StringComparison.Ordinal)..].TrimStart(':', ' '));

    /// <summary>A role without a right, on a database of another.</summary>
    private sealed record RoleOfItsOwn(TestStore Admin, TestStore Own, string Role) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Own.DisposeAsync();
            await Admin.DisposeAsync();
        }
    }
}
