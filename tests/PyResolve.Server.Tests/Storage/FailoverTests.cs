using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Npgsql;
using PyResolve.Server.Storage;
using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Storage;

/// <summary>A database that stops to accept writes while it still answers: readiness says so, and the server leaves it.</summary>
public sealed class FailoverTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_database_that_turns_read_only_takes_the_server_out_and_its_end_brings_it_back()
    {
        await using var postgres = await PostgresServer.StartAsync(durable: true, Cancellation);
        await using var store = TestStore.On(await postgres.CreateDatabaseAsync(cancellationToken: Cancellation));
        await using var server = await TestServer.StartAsync(store);
        var account = await TestAccount.SignUpAsync(server.Http);
        await account.WarmUpAsync();

        await postgres.SetReadOnlyAsync(true);
        await Eventually.IsTrueAsync(async () => (await ReadyAsync(server)).Status == 503, cancellationToken: Cancellation);
        (await ReadyAsync(server)).ShouldBeProblem(503, "unavailable").Detail!.ShouldContain("read-only");
        // What it reads may be out of date: neither quotas nor keys are taken from it.
        await Eventually.IsTrueAsync(async () => (await account.Key.GetAsync("/quota")).Status == 503, cancellationToken: Cancellation);
        (await account.Key.PostAsync("/usage", new { event_type = "scan" })).ShouldBeProblem(503, "unavailable");
        (await account.Session.GetAsync("/audit")).ShouldBeProblem(503, "unavailable");

        await postgres.SetReadOnlyAsync(false);
        await Eventually.IsTrueAsync(async () => (await ReadyAsync(server)).Status == 200, cancellationToken: Cancellation);
        (await account.Key.PostAsync("/usage", new { event_type = "scan" })).Status.ShouldBe(200);
        (await account.Session.PostAsync("/auth/api-keys")).Status.ShouldBe(201);
    }

    [Fact]
    public async Task Connections_leave_a_demoted_primary_when_new_ones_reach_another_server()
    {
        await using var old = await PostgresServer.StartAsync(durable: true, Cancellation);
        await using var address = new MovableAddress(old.Port);
        var database = new NpgsqlConnectionStringBuilder(await old.CreateDatabaseAsync(cancellationToken: Cancellation));
        await using var store = TestStore.On(
            new NpgsqlConnectionStringBuilder(database.ConnectionString) { Port = address.Port }.ConnectionString);
        await using var server = await TestServer.StartAsync(store);
        var account = await TestAccount.SignUpAsync(server.Http);
        await account.WarmUpAsync();
        await using var standby = await old.StartStandbyAsync(Cancellation);

        await standby.PromoteAsync();
        await old.SetReadOnlyAsync(true);
        address.MoveTo(standby.Port);

        await Eventually.IsTrueAsync(
            async () => (await ReportAsync()).Status == 200, cancellationToken: Cancellation);
        await Eventually.IsTrueAsync(
            async () => await CountConnectionsAsync(database.ConnectionString) == 0, TimeSpan.FromSeconds(20), Cancellation);
        foreach (var answer in await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => ReportAsync())))
            answer.Status.ShouldBe(200);
        (await ReadyAsync(server)).Status.ShouldBe(200);

        Task<Answer> ReportAsync() => account.Key.PostAsync("/usage", new { event_type = "scan" });
    }

    [Fact]
    public async Task Of_several_hosts_the_one_that_accepts_writes_is_used_also_after_a_failover()
    {
        await using var first = await PostgresServer.StartAsync(durable: true, Cancellation);
        var database = new NpgsqlConnectionStringBuilder(await first.CreateDatabaseAsync(cancellationToken: Cancellation)).Database;
        await using var second = await first.StartStandbyAsync(Cancellation);
        await first.ConfigureAsync("synchronous_standby_names", "*");
        // The standby is named first.
        await using var server = await ServerProcess.StartAsync(
            new Dictionary<string, string?>
            {
                ["DATABASE_URL"] =
                    $"postgres://postgres@127.0.0.1:{second.Port},127.0.0.1:{first.Port}/{database}?target_session_attrs=read-write",
            },
            Cancellation);
        var account = await TestAccount.SignUpAsync(server.Http);
        (await account.CommitAsync((await account.ReserveAsync(quantity: 2)).Id())).Status.ShouldBe(200);

        await first.KillAsync();
        await second.PromoteAsync();

        await Eventually.IsTrueAsync(async () => (await account.ReserveAsync()).Status == 201, cancellationToken: Cancellation);
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 2, Held: 1, Remaining: 2));
        (await new Caller(server.Http).GetAsync("/health/ready")).Status.ShouldBe(200);
    }

    /// <summary>The driver avoids a host for a second after one of its connections broke.</summary>
    [Fact]
    public async Task Of_several_hosts_the_primary_is_used_on_after_one_connection_to_it_broke()
    {
        await using var postgres = await PostgresServer.StartAsync(durable: true, Cancellation);
        var database = new NpgsqlConnectionStringBuilder(await postgres.CreateDatabaseAsync(cancellationToken: Cancellation)).Database;
        await using var engine = new PostgresEngine(
            DatabaseUrl.ToConnectionString($"postgres://postgres@127.0.0.1:{postgres.Port},127.0.0.1:9/{database}"));
        Task<T> ReadAsync<T>(Func<Session, Task<T>> read) => new Database(engine).ReadAsync(read, Cancellation);

        for (var i = 0; i < 5; i++)
        {
            await Should.ThrowAsync<StoreUnavailableException>(() => ReadAsync(
                session => session.NumberAsync($"select 1::bigint where pg_terminate_backend(pg_backend_pid())", Cancellation)));
            (await ReadAsync(session => session.NumberAsync($"select 1::bigint", Cancellation))).ShouldBe(1);
        }
    }

    [Fact]
    public async Task A_former_primary_that_starts_again_by_itself_is_not_used()
    {
        await using var first = await PostgresServer.StartAsync(durable: true, Cancellation);
        var database = new NpgsqlConnectionStringBuilder(await first.CreateDatabaseAsync(cancellationToken: Cancellation)).Database;
        await using var second = await first.StartStandbyAsync(Cancellation);
        await using var server = await ServerProcess.StartAsync(
            new Dictionary<string, string?>
            {
                ["DATABASE_URL"] = $"postgres://postgres@127.0.0.1:{first.Port},127.0.0.1:{second.Port}/{database}",
            },
            Cancellation);
        var account = await TestAccount.SignUpAsync(server.Http);
        await using var onSecond = TestStore.On(
            new NpgsqlConnectionStringBuilder(second.ConnectionString) { Database = database, Pooling = false }.ConnectionString);
        await Eventually.IsTrueAsync(
            async () => await onSecond.ReadNumberAsync("select count(*) from api_keys") == 1, cancellationToken: Cancellation);
        await first.KillAsync();
        await second.PromoteAsync();
        await Eventually.IsTrueAsync(async () => (await UseAsync()).Status == 200, cancellationToken: Cancellation);
        await onSecond.ExecuteSqlAsync("update api_keys set revoked_at = now()");
        await Eventually.IsTrueAsync(async () => (await UseAsync()).Status == 401, cancellationToken: Cancellation);

        await first.RestartAsync(Cancellation);
        await second.KillAsync();

        // In the old primary the key is still alive.
        for (var i = 0; i < 100; i++)
            (await UseAsync()).Status.ShouldBeOneOf(401, 503);
        (await new Caller(server.Http).GetAsync("/health/ready")).Detail!.ShouldContain("former primary");
        await second.RestartAsync(Cancellation);
        await Eventually.IsTrueAsync(async () => (await UseAsync()).Status == 401, cancellationToken: Cancellation);

        Task<Answer> UseAsync() => account.Key.PostAsync("/usage", new { event_type = "scan" });
    }

    [Fact]
    public async Task While_the_synchronous_standby_is_missing_keys_and_reads_go_on()
    {
        await using var postgres = await PostgresServer.StartAsync(durable: true, Cancellation);
        await using var store = TestStore.On(await postgres.CreateDatabaseAsync(cancellationToken: Cancellation));
        await using var server = await TestServer.StartAsync(store);
        var account = await TestAccount.SignUpAsync(server.Http);
        await account.WarmUpAsync();
        await postgres.ConfigureAsync("synchronous_standby_names", "gone");
        await Eventually.IsTrueAsync(
            async () => (string?)await store.ReadSqlAsync("show synchronous_standby_names") == "gone", cancellationToken: Cancellation);

        // One waits for the standby, the others for its lock, each on a connection of its own.
        var waiting = Enumerable.Range(0, 40).Select(_ => account.Session.PostAsync("/auth/api-keys")).ToArray();
        const string Waiting =
            "select count(*) from pg_stat_activity where state = 'active' and wait_event in ('SyncRep', 'transactionid', 'tuple')";
        await Eventually.IsTrueAsync(async () => await store.ReadNumberAsync(Waiting) >= 12, cancellationToken: Cancellation);

        for (var i = 0; i < 40; i++)
        {
            (await account.Key.GetAsync("/quota")).Status.ShouldBe(200);
            await Task.Delay(TimeSpan.FromMilliseconds(50), Cancellation);
        }

        await postgres.ConfigureAsync("synchronous_standby_names", "");
        await Task.WhenAll(waiting);
    }

    [Fact]
    public async Task A_server_does_not_serve_from_a_standby()
    {
        await using var primary = await PostgresServer.StartAsync(durable: true, Cancellation);
        var database = await primary.CreateDatabaseAsync(cancellationToken: Cancellation);
        await using (await TestServer.StartAsync(TestStore.On(database)))
        {
            // The schema is there.
        }

        await using var standby = await primary.StartStandbyAsync(Cancellation);
        var url = PostgresAddress.ToUrl(new NpgsqlConnectionStringBuilder(database) { Port = standby.Port }.ConnectionString);

        var result = await ServerProcess.RunAsync(
            [], new Dictionary<string, string?> { ["DATABASE_URL"] = url, ["PyResolve__DatabaseWaitSeconds"] = "0" }, Cancellation);

        result.ExitCode.ShouldBe(1);
        result.Error.ShouldContain("The database is read-only");
    }

    /// <summary>PostgreSQL completes a commit whose wait for its replica is cancelled, as if nothing were missing.</summary>
    [Theory]
    [InlineData("a time limit", null)]
    [InlineData("an operator", "select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'")]
    public async Task A_commit_that_is_cut_short_while_it_waits_for_its_replica_is_not_acknowledged(string by, string? sql)
    {
        await using var postgres = await PostgresServer.StartAsync(durable: true, Cancellation);
        await using var store = TestStore.On(await postgres.CreateDatabaseAsync(cancellationToken: Cancellation));
        await using var server = await TestServer.StartAsync(store);
        var account = await TestAccount.SignUpAsync(server.Http);
        await using var hasty = await TestServer.StartAsync(store, replace: services => services.Replace(
            ServiceDescriptor.Singleton(_ => new Database(new PostgresEngine(
                $"{DatabaseUrl.ToConnectionString(store.Settings["DATABASE_URL"]!)};Command Timeout=3")))));
        var hurried = account.On(hasty.Http);
        var id = Guid.CreateVersion7(server.Clock.GetUtcNow());
        var lost = Guid.CreateVersion7(server.Clock.GetUtcNow());
        var leaked = (await account.Session.PostAsync("/auth/api-keys"))["api_key"].GetString();
        await store.ExecuteSqlAsync($"insert into store_losses (noticed_at) values ('{server.Clock.GetUtcNow():O}')");
        await postgres.ConfigureAsync("synchronous_standby_names", "gone");
        await Eventually.IsTrueAsync(
            async () => (string?)await store.ReadSqlAsync("show synchronous_standby_names") == "gone", cancellationToken: Cancellation);
        using var stop = new CancellationTokenSource();
        var cancelling = CancelAsync(postgres, sql, stop.Token);

        var usage = hurried.Key.PostAsync("/usage", new { id, event_type = "scan" });
        var reservation = hurried.ReserveAsync();
        (await usage).ShouldBeProblem(503, "unavailable").Headers.RetryAfter.ShouldNotBeNull(by);
        (await reservation).ShouldBeProblem(503, "unavailable");
        // It is stored here, but the replica is still missing: a retry is not acknowledged either.
        (await hurried.Key.PostAsync("/usage", new { id, event_type = "scan" })).ShouldBeProblem(503, "unavailable");
        // Nor is what repeats another change: usage of a reservation that a failover lost, and the revocation of a key.
        for (var i = 0; i < 2; i++)
        {
            (await hurried.CommitAsync(lost)).ShouldBeProblem(503, "unavailable");
            (await hasty.Anonymous.PostAsync("/auth/api-keys/report-leak", new { api_key = leaked })).ShouldBeProblem(503, "unavailable");
        }

        await stop.CancelAsync();
        await cancelling;
        await postgres.ConfigureAsync("synchronous_standby_names", "");
        await Eventually.IsTrueAsync(
            async () => (await account.Key.PostAsync("/usage", new { id, event_type = "scan" })).Status == 200,
            TimeSpan.FromSeconds(30),
            Cancellation);
        (await store.ReadNumberAsync("select count(*) from usage_events where event_type = 'scan'")).ShouldBe(1);
    }

    private static Task<Answer> ReadyAsync(TestServer server) => server.Anonymous.GetAsync("/health/ready");

    private static async Task CancelAsync(PostgresServer postgres, string? sql, CancellationToken stopped)
    {
        await using var connection = new NpgsqlConnection($"{postgres.ConnectionString};Pooling=false");
        await connection.OpenAsync(CancellationToken.None);
        while (sql is not null && !stopped.IsCancellationRequested)
        {
            await using var command = new NpgsqlCommand(sql, connection);
            await command.ExecuteNonQueryAsync(CancellationToken.None);
            await Task.Delay(TimeSpan.FromMilliseconds(50), CancellationToken.None);
        }
    }

    private static async Task<long> CountConnectionsAsync(string connectionString)
    {
        await using var connection = new NpgsqlConnection($"{connectionString};Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(
            "select count(*) from pg_stat_activity where application_name = 'pyresolve' and datname = current_database()", connection);
        return (long)(await command.ExecuteScalarAsync())!;
    }
}
