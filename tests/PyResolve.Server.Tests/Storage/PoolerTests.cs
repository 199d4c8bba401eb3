namespace PyResolve.Server.Tests.Storage;

/// <summary>Two servers on PostgreSQL behind PgBouncer, which gives each transaction any of two connections.</summary>
public sealed class PoolerTests(SharedServers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Limits_are_exact_and_revoked_keys_dead_behind_a_transaction_pooler()
    {
        var database = await servers.Postgres.CreateDatabaseAsync(cancellationToken: Cancellation);
        await using var pooler = await Pooler.StartAsync(database, size: 2, Cancellation);
        var environment = Environment(pooler, database);
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
        var database = await servers.Postgres.CreateDatabaseAsync(cancellationToken: Cancellation);
        await using var pooler = await Pooler.StartAsync(database, size: 2, Cancellation);
        await using var server = await ServerProcess.StartAsync(Environment(pooler, database), Cancellation);
        var account = await TestAccount.SignUpAsync(server.Http);
        (await account.ReserveAsync()).Status.ShouldBe(201);

        await pooler.KillAsync();
        (await account.ReserveAsync()).Status.ShouldBe(503);
        await pooler.StartAsync(Cancellation);

        await Eventually.IsTrueAsync(
            async () => (await account.ReserveAsync(onceKey: "again")).Status is 200 or 201, cancellationToken: Cancellation);
        (await account.QuotaAsync()).Held.ShouldBe(2);
    }

    /// <summary>Of a server that reaches its database through the pooler only.</summary>
    private static Dictionary<string, string?> Environment(Pooler pooler, string database) =>
        new() { ["DATABASE_URL"] = pooler.Url(database) };
}
