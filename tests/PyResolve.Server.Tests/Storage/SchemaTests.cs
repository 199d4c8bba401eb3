using System.Data.Common;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using PyResolve.Server.Storage;
using PyResolve.Server.Tests.Hosting;
using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Storage;

public sealed class SchemaTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task A_schema_that_is_up_to_date_is_left_alone(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();

        var applied = await own.Server.Services.GetRequiredService<SchemaMigrator>().ApplyAsync(TestContext.Current.CancellationToken);
        await using var second = await TestServer.StartAsync(own.Store);

        applied.ShouldBeEmpty();
        (await account.On(second.Http).Key.GetAsync("/me")).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task Instances_that_start_at_once_on_an_empty_store_apply_each_file_once(StorageEngine engine)
    {
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);

        var started = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => TestServer.StartAsync(store)));

        foreach (var server in started)
        {
            (await server.Anonymous.GetAsync("/health/ready")).Status.ShouldBe(200);
            await server.DisposeAsync();
        }

        var files = typeof(SchemaMigrator).Assembly.GetManifestResourceNames()
            .Count(name => name.Replace('\\', '/').StartsWith($"schema/{engine.ToString().ToLowerInvariant()}/", StringComparison.Ordinal));
        (await store.ReadNumberAsync("select count(*) from schema_versions")).ShouldBe(files);
    }

    [Theory, OnBothEngines]
    public async Task A_schema_for_newer_servers_only_is_refused_at_start_and_takes_a_running_server_out(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        await UpgradeAsync(own, version: 99, compatibleFrom: 98);

        var ready = await own.Server.Anonymous.GetAsync("/health/ready");
        var failure = await Should.ThrowAsync<SchemaIncompatibleException>(() => TestServer.StartAsync(own.Store));

        ready.ShouldBeProblem(503, "unavailable").Detail.ShouldBe(failure.Message);
        failure.Message.ShouldContain("version 99");
        failure.Message.ShouldContain("98 or later");
        failure.Message.ShouldContain("Upgrade the server");
        (await own.Server.Anonymous.GetAsync("/health")).Status.ShouldBe(200);
    }

    /// <summary>As if an older backup had been restored under a running server.</summary>
    [Theory, OnBothEngines]
    public async Task A_schema_that_lacks_what_the_server_needs_takes_it_out_until_it_is_brought_up_to_date(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var newest = own.Server.Services.GetRequiredService<SchemaMigrator>().Version;
        await own.Store.ExecuteSqlAsync($"delete from schema_versions where version > {newest - 1}");

        var ready = await own.Server.Anonymous.GetAsync("/health/ready");
        await own.Store.ExecuteSqlAsync(
            $"""
            insert into schema_versions (version, name, compatible_from, applied_at)
            select {newest}, 'newest', 1, applied_at from schema_versions limit 1
            """);

        ready.ShouldBeProblem(503, "unavailable").Detail!.ShouldContain($"needs {newest}");
        ready.Detail!.ShouldContain("migrate-schema");
        (await own.Server.Anonymous.GetAsync("/health/ready")).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task A_newer_schema_that_older_servers_can_work_with_is_served(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        await UpgradeAsync(own, version: 99, compatibleFrom: 1);

        await using var older = await TestServer.StartAsync(own.Store);

        (await older.Anonymous.GetAsync("/health/ready")).Status.ShouldBe(200);
        (await own.Server.Anonymous.GetAsync("/health/ready")).Status.ShouldBe(200);
        (await TestAccount.SignUpAsync(older.Http)).ApiKey.ShouldNotBeEmpty();
    }

    [Theory, OnBothEngines]
    public async Task What_an_operator_searches_by_is_found_by_an_index(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var isPostgres = engine is StorageEngine.Postgres;
        (string Sql, string Index)[] searches =
        [
            ("profiles where email_key >= 'ada' and email_key < 'adb'", "profiles_email_key"),
            ("profiles where stripe_customer_id = 'cus_1'", "profiles_stripe_customer"),
            ("stripe_events where origin = 'live' and customer_id = 'cus_1' order by received_at desc, event_id desc limit 50",
                "stripe_events_of_customer"),
            isPostgres
                ? ("api_keys where key_prefix like 'pyr\\_live\\_0123%'", "api_keys_prefix")
                : ("api_keys where key_prefix >= 'pyr_live_0123' and key_prefix < 'pyr_live_0124'", "(key_prefix>? AND key_prefix<?)"),
        ];

        foreach (var (sql, index) in searches)
        {
            var plan = isPostgres
                ? $"{await own.Store.ReadSqlAsync($"set enable_seqscan = off; explain (format json) select * from {sql}")}"
                : $"{(await own.Store.ReadRowAsync($"explain query plan select * from {sql}"))["detail"]}";
            plan.ShouldContain(index, customMessage: sql);
        }
    }

    /// <summary>Another instance rewrites a large table, for longer than any statement or wait for a lock may take.</summary>
    [Theory, OnBothEngines, Trait("Needs", "Sessions")]
    public async Task A_start_waits_for_a_schema_change_of_another_instance_and_says_so(StorageEngine engine)
    {
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
        using var logs = new TestLogs();
        var settings = new Dictionary<string, string?>(store.Settings) { ["Logging:LogLevel:Default"] = "Warning" };
        if (engine is StorageEngine.Postgres)
        {
            var separator = settings["DATABASE_URL"]!.Contains('?', StringComparison.Ordinal) ? "&" : "?";
            settings["DATABASE_URL"] += $"{separator}statement_timeout=1000";
        }

        await using var other = await HeldSchema.LockAsync(store);

        var starting = TestServer.StartAsync(store, settings, replace: logs.AddTo);
        await Task.WhenAny(starting, Task.Delay(TimeSpan.FromSeconds(7), TestContext.Current.CancellationToken));
        starting.IsCompleted.ShouldBeFalse(starting.Exception?.ToString());
        await other.DisposeAsync();
        await using var server = await starting;

        (await server.Anonymous.GetAsync("/health/ready")).Status.ShouldBe(200);
        logs.Lines.Count(line => line.StartsWith("Another server or command is changing the schema", StringComparison.Ordinal)).ShouldBe(1);
    }

    [Fact]
    public async Task Two_processes_started_at_once_on_an_empty_database_serve_the_same_keys_and_quotas()
    {
        var cancellation = TestContext.Current.CancellationToken;
        await using var store = await TestStore.CreateAsync(StorageEngine.Postgres, servers.Postgres);

        var started = await Task.WhenAll(
            ServerProcess.StartAsync(store.Settings, cancellation), ServerProcess.StartAsync(store.Settings, cancellation));
        await using var first = started[0];
        await using var second = started[1];

        var here = await TestAccount.SignUpAsync(first.Http);
        var there = here.On(second.Http);
        await here.CommitAsync((await there.ReserveAsync(quantity: 2)).Id(), new { quantity = 1 });
        await there.ReserveAsync();
        (await here.QuotaAsync()).ShouldBe(new QuotaView(Used: 1, Held: 1, Remaining: 3));
        (await there.QuotaAsync()).ShouldBe(new QuotaView(Used: 1, Held: 1, Remaining: 3));
        var made = await there.Session.PostAsync("/auth/api-keys");
        var key = new Caller(first.Http, "X-API-Key", made["api_key"].GetString());
        (await key.GetAsync("/me")).Status.ShouldBe(200);
        await there.Session.DeleteAsync($"/auth/api-keys/{made.Id()}");
        await Eventually.IsTrueAsync(async () => (await key.GetAsync("/me")).Status == 401, TimeSpan.FromSeconds(1), cancellation);
    }

    /// <summary>A transaction that holds what a schema change holds.</summary>
    private sealed class HeldSchema(DbConnection connection) : IAsyncDisposable
    {
        public static async Task<HeldSchema> LockAsync(TestStore store)
        {
            DbConnection connection = store.Engine is StorageEngine.Postgres
                ? new NpgsqlConnection(store.ConnectionString)
                // In a pool it would keep its lock.
                : new SqliteConnection($"{store.ConnectionString};Pooling=False");
            await connection.OpenAsync();
            await using var command = connection.CreateCommand();
            command.CommandText = store.Engine is StorageEngine.Postgres
                ? "begin; select pg_advisory_xact_lock(x'50795265736f6c76'::bit(64)::bigint)"
                : "begin immediate";
            await command.ExecuteNonQueryAsync();
            return new HeldSchema(connection);
        }

        public ValueTask DisposeAsync() => connection.DisposeAsync();
    }

    private static Task<int> UpgradeAsync(OwnServer own, int version, int compatibleFrom) => own.Store.ExecuteSqlAsync(
        $"insert into schema_versions (version, name, compatible_from, applied_at) values ({version}, 'future', {compatibleFrom}, "
        + (own.Store.Engine is StorageEngine.Postgres ? "now())" : "0)"));
}
