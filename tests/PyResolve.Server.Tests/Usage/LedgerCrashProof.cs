using System.Globalization;
using Npgsql;

namespace PyResolve.Server.Tests.Usage;

/// <summary>
/// Whenever the server or PostgreSQL is killed, every acknowledged event, retried or not, is stored once, and every rollup equals a
/// recount.
/// </summary>
[Trait("Category", "Proof")]
public sealed class LedgerCrashProof(SharedServers servers)
{
    private static readonly int Kills = Scale.Pick(3, 100);

    [Theory, OnBothEngines]
    public async Task A_server_killed_under_load_loses_and_duplicates_nothing(StorageEngine engine)
    {
        var cancellation = TestContext.Current.CancellationToken;
        await using var postgres = engine is StorageEngine.Postgres ? await PostgresServer.StartAsync(durable: true, cancellation) : null;
        await using var store = postgres is null
            ? await TestStore.CreateAsync(engine, servers.Postgres)
            : TestStore.On(await postgres.CreateDatabaseAsync(cancellationToken: cancellation));
        await using var server = await ServerProcess.StartAsync(store.Settings, cancellation);

        await using var load = await LedgerLoad.StartAsync(server.Http);
        var random = new Random(20_261_115);
        for (var kill = 0; kill < Kills; kill++)
        {
            await load.PassesAsync(random.Next(1, 200), cancellation);
            await server.KillAsync();
            await server.RestartAsync(cancellation);
        }

        await CheckAsync(load, store, $"{engine}: the server killed {Kills} times under load");
    }

    [Fact]
    public async Task A_PostgreSQL_killed_under_load_loses_and_duplicates_nothing()
    {
        var cancellation = TestContext.Current.CancellationToken;
        await using var postgres = await PostgresServer.StartAsync(durable: true, cancellation);
        await using var store = TestStore.On(await postgres.CreateDatabaseAsync(cancellationToken: cancellation));
        await using var server = await ServerProcess.StartAsync(store.Settings, cancellation);

        await using var load = await LedgerLoad.StartAsync(server.Http);
        var random = new Random(20_261_116);
        for (var kill = 0; kill < Kills; kill++)
        {
            await load.PassesAsync(random.Next(1, 200), cancellation);
            await postgres.KillAsync();
            await postgres.RestartAsync(cancellation);
        }

        NpgsqlConnection.ClearAllPools();
        await CheckAsync(load, store, $"PostgreSQL killed {Kills} times under load");
    }

    private static async Task CheckAsync(LedgerLoad load, TestStore store, string what)
    {
        await load.StopAsync();
        var stored = ((string)(await store.ReadSqlAsync("select string_agg(cast(id as text), ',') from usage_events"))!)
            .Split(',').Select(id => Guid.ParseExact(id, "D")).ToList();

        stored.ShouldBeUnique();
        load.Acknowledged.Except(stored).ShouldBeEmpty();
        stored.Except(load.Acknowledged).Except(load.Unanswered).ShouldBeEmpty();
        (await store.CountDifferencesAsync()).ShouldBe(0);
        load.Retried.ShouldBeGreaterThan(0);
        Proofs.Report("Crashes of the ledger", string.Create(
            CultureInfo.InvariantCulture,
            $"{what}: {load.Acknowledged.Count:N0} events acknowledged, {load.Retried:N0} requests sent again, "
            + $"{load.Unanswered.Count:N0} given up; "
            + $"{stored.Count:N0} events stored, none lost, none twice, every rollup equals a recount."));
    }
}
