using System.Collections.Concurrent;
using Npgsql;

namespace PyResolve.Server.Tests.Quota;

/// <summary>The server or PostgreSQL is killed under load: no granted reservation is lost, and none outlives its expiry.</summary>
[Trait("Category", "Proof")]
public sealed class QuotaCrashTests(SharedServers servers)
{
    private const int Clients = 16;

    [Theory, OnBothEngines]
    public async Task No_reservation_is_lost_or_outlives_its_time_when_the_server_is_killed(StorageEngine engine)
    {
        var cancellation = TestContext.Current.CancellationToken;
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
        await using var server = await ServerProcess.StartAsync(store.Settings, cancellation);
        var account = await TestAccount.SignUpAsync(server.Http);
        await store.ExecuteSqlAsync("update profiles set plan = 'unlimited'");
        var (granted, committed) = (new ConcurrentDictionary<Guid, bool>(), new ConcurrentDictionary<Guid, bool>());
        using var over = new CancellationTokenSource();
        var random = new Random(20_261_123);

        var load = Task.WhenAll(
            Enumerable.Range(0, Clients).Select(seed => LoadAsync(account, new Random(seed), granted, committed, over.Token)));
        for (var kill = 0; kill < Scale.Pick(2, 100); kill++)
        {
            var enough = granted.Count + random.Next(20, 200);
            await Eventually.IsTrueAsync(() => granted.Count >= enough, TimeSpan.FromSeconds(60), cancellation);
            await server.KillAsync();
            await server.RestartAsync(cancellation);
        }

        await over.CancelAsync();
        await load;

        await Eventually.HoldsAsync(
            async () => (await store.ReadNumberAsync("select sum(held) from usage_monthly")).ShouldBe(0),
            TimeSpan.FromSeconds(10),
            cancellation);
        (await store.ReadNumberAsync("select count(*) from reservations where state = 'held' or remaining > 0")).ShouldBe(0);
        (await store.ReadNumberAsync("select count(*) from reservations")).ShouldBeGreaterThanOrEqualTo(granted.Count);
        (await MissingAsync(store, "select count(*) from reservations where id", granted.Keys)).ShouldBe(0);
        (await MissingAsync(store, "select count(*) from usage_events where id", committed.Keys)).ShouldBe(0);
        (await store.ReadNumberAsync("select sum(migrations) - (select count(*) from usage_events) from usage_monthly")).ShouldBe(0);
        Proofs.Report(
            "Reservations through crashes",
            $"{engine}: {Scale.Pick(2, 100)} times SIGKILL under load; {granted.Count:N0} acknowledged reservations and "
            + $"{committed.Count:N0} commits, none lost, nothing held past its time.");
    }

    [Fact]
    public async Task No_reservation_is_lost_or_outlives_its_time_when_PostgreSQL_is_killed()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var kills = Scale.Pick(1, 100);
        await using var postgres = await PostgresServer.StartAsync(durable: true, cancellation);
        await using var store = TestStore.On(await postgres.CreateDatabaseAsync(cancellationToken: cancellation));
        await using var server = await ServerProcess.StartAsync(store.Settings, cancellation);
        var account = await TestAccount.SignUpAsync(server.Http);
        await store.ExecuteSqlAsync("update profiles set plan = 'unlimited'");
        PersistentClient[] clients = [.. Enumerable.Range(0, Clients).Select(seed => new PersistentClient(account, new Random(seed)))];
        using var over = new CancellationTokenSource();
        var random = new Random(20_261_124);

        var load = Task.WhenAll(clients.Select(client => client.WorkAsync(over.Token)));
        for (var kill = 0; kill < kills; kill++)
        {
            var enough = clients.Sum(client => client.Granted) + random.Next(20, 200);
            await Eventually.IsTrueAsync(() => clients.Sum(client => client.Granted) >= enough, TimeSpan.FromSeconds(60), cancellation);
            await postgres.KillAsync();
            await postgres.RestartAsync(cancellation);
        }

        await over.CancelAsync();
        await load;
        NpgsqlConnection.ClearAllPools();

        var (used, held) = (clients.Sum(client => client.Used), clients.Sum(client => client.Held));
        await Eventually.HoldsAsync(
            async () => (await store.ReadNumberAsync("select sum(held) from usage_monthly")).ShouldBe(held),
            cancellationToken: cancellation);
        (await store.ReadNumberAsync("select sum(remaining) from reservations")).ShouldBe(held);
        (await store.ReadNumberAsync("select count(*) from reservations")).ShouldBe(clients.Sum(client => client.Granted));
        (await store.ReadNumberAsync("select sum(migrations) from usage_monthly")).ShouldBe(used);
        (await store.ReadNumberAsync("select sum(quantity) from usage_events")).ShouldBe(used);
        clients.Sum(client => client.Repeated).ShouldBeGreaterThan(0);
        Proofs.Report("Reservations through crashes", $"PostgreSQL: {kills} times SIGKILL under load; "
            + $"{clients.Sum(client => client.Granted):N0} reservations, each asked for until it was "
            + $"answered; {used:N0} used + {held:N0} held, as the clients saw it, nothing held past its time.");
    }

    /// <summary>Reserves for one or two seconds; some are committed, some released, and some expire.</summary>
    private static async Task LoadAsync(
        TestAccount account,
        Random random,
        ConcurrentDictionary<Guid, bool> granted,
        ConcurrentDictionary<Guid, bool> committed,
        CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            try
            {
                var reservation = await account.ReserveAsync(ttlSeconds: random.Next(1, 3));
                if (reservation.Status != 201)
                    continue;
                granted[reservation.Id()] = true;
                var id = Guid.CreateVersion7(TimeProvider.System.GetUtcNow());
                var choice = random.Next(3);
                if (choice == 0 && (await account.CommitAsync(reservation.Id(), new { id })).Status == 200)
                    committed[id] = true;
                else if (choice == 1)
                    await account.ReleaseAsync(reservation.Id());
            }
            catch (Exception exception) when (ServerProcess.IsAway(exception))
            {
                // The server is down; nothing was acknowledged.
            }
        }
    }

    private static async Task<long> MissingAsync(TestStore store, string count, ICollection<Guid> ids)
    {
        var missing = 0L;
        foreach (var some in ids.Chunk(500))
            missing += some.Length - await store.ReadNumberAsync($"{count} in ({string.Join(", ", some.Select(id => $"'{id}'"))})");
        return missing;
    }
}
