using System.Globalization;
using PyResolve.Server.Tests.Failover;

namespace PyResolve.Server.Tests.Citus;

/// <summary>A worker is added while servers run, and gets its share of the ledgers as the guide says.</summary>
[Trait("Category", "Proof")]
public sealed class ShardMoveProof
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(5);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [CitusFact(NeedsOwnNodes = true)]
    public async Task Shards_that_are_moved_to_another_worker_under_load_keep_everything_that_was_acknowledged()
    {
        await using var citus = await CitusCluster.StartAsync(durable: true, Cancellation);
        await using var store = await TestStore.OnCitusAsync(citus, Cancellation, shards: 4);
        var added = citus.Workers[1].Port;
        await store.ExecuteSqlAsync($"select citus_drain_node('127.0.0.1', {added}, 'block_writes')");
        await store.ExecuteSqlAsync($"select citus_set_node_property('127.0.0.1', {added}, 'shouldhaveshards', true)");
        (await CountAsync(store, added)).ShouldBe(0);
        await using var server = await ServerProcess.StartAsync(store.Settings, Cancellation);
        await using var load = await PairLoad.StartAsync(store, server.Http, server.Http);
        await load.PassesAsync(50, Cancellation);

        await store.ExecuteSqlAsync("select citus_rebalance_start()");
        await store.ExecuteSqlAsync("select citus_rebalance_wait()");

        await load.PassesAsync(50, Cancellation);
        await load.StopAsync();
        (await CountAsync(store, added)).ShouldBe(2);
        await load.CheckAsync(store);
        server.Log.Split('\n').Where(static line => line.Contains(" fail: ")).ShouldBeEmpty();
        Proofs.Report("Citus", string.Create(
            CultureInfo.InvariantCulture,
            $"Half of the shards moved to an added worker under load (citus_rebalance_start): {load.Events:N0} events and "
            + $"{load.Reservations:N0} reservations acknowledged, none lost, none twice, {load.Refusals:N0} events answered 503; no "
            + $"restart, no 500."));
    }

    private static Task<long> CountAsync(TestStore store, int port) => store.ReadNumberAsync(
        $"select count(*) from citus_shards where table_name = 'usage_events'::regclass and nodeport = {port}");
}
