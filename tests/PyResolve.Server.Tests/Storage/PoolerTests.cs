using System.Net;
using Npgsql;

namespace PyResolve.Server.Tests.Storage;

/// <summary>Two servers on PostgreSQL behind PgBouncer, which gives each transaction any of two connections.</summary>
public sealed class PoolerTests(SharedServers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Limits_are_exact_and_revoked_keys_dead_behind_a_transaction_pooler()
    {
        await using var pooler = new LocalService();
        var environment = await StartAsync(pooler, "?pgbouncer=true");
        await using var one = await ServerProcess.StartAsync(environment, Cancellation);
        await using var other = await ServerProcess.StartAsync(environment, Cancellation);
        var account = await TestAccount.SignUpAsync(one.Http);
        TestAccount[] clients = [account, account.On(other.Http)];
        foreach (var client in clients)
            await client.WarmUpAsync();

        var reserved = await Task.WhenAll(Enumerable.Range(0, 60).Select(i => clients[i % 2].ReserveAsync()));
        var granted = reserved.Where(answer => answer.Status == 201).ToList();
        var committed = await Task.WhenAll(granted.Select((hold, i) => clients[i % 2].CommitAsync(hold.Id())));

        granted.Count.ShouldBe(5);
        reserved.Count(answer => answer.Status == 402).ShouldBe(55);
        committed.ShouldAllBe(answer => answer.Status == 200);
        (await clients[1].QuotaAsync()).ShouldBe(new QuotaView(5, 0, 0));
        var key = (await account.Session.GetAsync("/auth/api-keys"))["data"][0].GetProperty("id").GetGuid();
        (await account.Session.DeleteAsync($"/auth/api-keys/{key}")).Status.ShouldBe(204);
        await Eventually.IsTrueAsync(
            async () => (await clients[1].Key.GetAsync("/me")).Status == 401, TimeSpan.FromSeconds(2), Cancellation);
    }

    [Fact]
    public async Task Servers_go_on_when_the_pooler_is_killed_and_started_again()
    {
        await using var pooler = new LocalService();
        await using var server = await ServerProcess.StartAsync(await StartAsync(pooler, "?pgbouncer=true"), Cancellation);
        var account = await TestAccount.SignUpAsync(server.Http);
        (await account.ReserveAsync()).Status.ShouldBe(201);

        await pooler.KillAsync();
        (await account.ReserveAsync()).Status.ShouldBe(503);
        await StartPoolerAsync(pooler);

        await Eventually.IsTrueAsync(
            async () => (await account.ReserveAsync(onceKey: "again")).Status is 200 or 201, cancellationToken: Cancellation);
        (await account.QuotaAsync()).Held.ShouldBe(2);
    }

    /// <returns>The environment of a server that reaches its database through the pooler only.</returns>
    private async Task<Dictionary<string, string?>> StartAsync(LocalService pooler, string settings)
    {
        var address = new NpgsqlConnectionStringBuilder(await servers.Postgres.CreateDatabaseAsync(cancellationToken: Cancellation));
        var password = address.Password is { Length: > 0 } secret ? $"password='{secret}'" : "";
        await File.WriteAllTextAsync(
            Path.Combine(pooler.Folder, "pgbouncer.ini"),
            $"""
            [databases]
            {address.Database} = host={address.Host} port={address.Port} user={address.Username} {password}
            [pgbouncer]
            listen_addr = {IPAddress.Loopback}
            listen_port = {pooler.Port}
            unix_socket_dir =
            auth_type = any
            pool_mode = transaction
            default_pool_size = 2
            server_login_retry = 1
            """,
            Cancellation);
        await StartPoolerAsync(pooler);
        (address.Host, address.Port) = ("127.0.0.1", pooler.Port);
        return new() { ["DATABASE_URL"] = PostgresAddress.ToUrl(address.ConnectionString) + settings };
    }

    private static Task StartPoolerAsync(LocalService pooler)
    {
        // It refuses to run as root.
        string[] user = Environment.IsPrivilegedProcess ? ["--user=postgres"] : [];
        return pooler.StartAsync(
            "pgbouncer", "pgbouncer", [.. user, Path.Combine(pooler.Folder, "pgbouncer.ini")], Cancellation);
    }
}
