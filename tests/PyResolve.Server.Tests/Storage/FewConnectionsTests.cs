using Npgsql;
using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Storage;

/// <summary>A role with fewer connections than <c>pool_size</c>.</summary>
public sealed class FewConnectionsTests
{
    private const string Refused = "too many connections for role";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Of_several_hosts_one_that_refuses_connections_is_waited_for()
    {
        await using var postgres = await PostgresServer.StartAsync(durable: true, Cancellation);
        await using var admin = TestStore.On(await postgres.CreateDatabaseAsync(cancellationToken: Cancellation));
        await using var server = await StartAsync(admin, postgres, $"127.0.0.1:{postgres.Port},127.0.0.1:9");
        var account = await TestAccount.SignUpAsync(server.Http);

        var failures = await ManyRequests.SendAsync(account);

        failures.ShouldBeEmpty();
        postgres.Log.ShouldContain(Refused);
    }

    [Fact]
    public async Task While_the_synchronous_standby_is_missing_keys_and_reads_go_on_with_few_connections()
    {
        await using var postgres = await PostgresServer.StartAsync(durable: true, Cancellation);
        await using var admin = TestStore.On(await postgres.CreateDatabaseAsync(cancellationToken: Cancellation));
        await using var server = await StartAsync(admin, postgres, $"127.0.0.1:{postgres.Port}");
        var account = await TestAccount.SignUpAsync(server.Http);
        await account.WarmUpAsync();
        await FindLimitAsync(admin, postgres, account);
        await postgres.ConfigureAsync("synchronous_standby_names", "gone");
        await Eventually.IsTrueAsync(
            async () => (string?)await admin.ReadSqlAsync("show synchronous_standby_names") == "gone", cancellationToken: Cancellation);

        // One waits for the standby, the others for its lock, each on a connection of its own.
        var waiting = Enumerable.Range(0, 40).Select(_ => account.Session.PostAsync("/auth/api-keys")).ToArray();
        const string Waiting =
            "select count(*) from pg_stat_activity where state = 'active' and wait_event in ('SyncRep', 'transactionid', 'tuple')";
        await Eventually.IsTrueAsync(async () => await admin.ReadNumberAsync(Waiting) >= 5, cancellationToken: Cancellation);

        for (var i = 0; i < 40; i++)
        {
            (await account.Key.GetAsync("/quota")).Status.ShouldBe(200);
            await Task.Delay(TimeSpan.FromMilliseconds(50), Cancellation);
        }

        await postgres.ConfigureAsync("synchronous_standby_names", "");
        await Task.WhenAll(waiting);
    }

    /// <summary>Requests that take a connection each and keep it, until PostgreSQL has no more.</summary>
    private static async Task FindLimitAsync(TestStore admin, PostgresServer postgres, TestAccount account)
    {
        Task<Answer>[] reads;
        await using (var connection = new NpgsqlConnection($"{admin.ConnectionString};Pooling=false"))
        {
            await connection.OpenAsync(Cancellation);
            await using var transaction = await connection.BeginTransactionAsync(Cancellation);
            await using var command = new NpgsqlCommand("lock table audit_log in access exclusive mode", connection, transaction);
            await command.ExecuteNonQueryAsync(Cancellation);
            reads = [.. Enumerable.Range(0, 40).Select(_ => account.Session.GetAsync("/audit"))];
            await Eventually.IsTrueAsync(() => postgres.Log.Split(Refused).Length > 10, cancellationToken: Cancellation);
        }

        await Task.WhenAll(reads);
        await Eventually.IsTrueAsync(async () => (await account.Key.GetAsync("/quota")).Status == 200, cancellationToken: Cancellation);
    }

    private static async Task<TestServer> StartAsync(TestStore admin, PostgresServer postgres, string hosts)
    {
        await admin.ExecuteSqlAsync("create role few login connection limit 10; grant usage, create on schema public to few");
        var database = new NpgsqlConnectionStringBuilder(admin.ConnectionString).Database;
        return await TestServer.StartAsync(
            admin, new Dictionary<string, string?> { ["DATABASE_URL"] = $"postgres://few@{hosts}/{database}" });
    }
}
