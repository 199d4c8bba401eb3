using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Storage;
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

    private static Task<int> UpgradeAsync(OwnServer own, int version, int compatibleFrom) => own.Store.ExecuteSqlAsync(
        $"insert into schema_versions (version, name, compatible_from, applied_at) values ({version}, 'future', {compatibleFrom}, "
        + (own.Store.Engine is StorageEngine.Postgres ? "now())" : "0)"));
}
