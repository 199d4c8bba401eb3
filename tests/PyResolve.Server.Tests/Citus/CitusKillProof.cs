using System.Globalization;
using Npgsql;
using PyResolve.Server.Tests.Failover;

namespace PyResolve.Server.Tests.Citus;

/// <summary>Nodes of a real Citus are killed: what was acknowledged stays, and a dead worker stops nobody else.</summary>
[Trait("Category", "Proof")]
public sealed class CitusKillProof
{
    private const string Suite = "Citus";

    private static readonly int Rounds = Scale.Pick(1, 5);
    private static readonly int HungRounds = Scale.Pick(1, 3);
    private static readonly TimeSpan Down = TimeSpan.FromSeconds(2);

    /// <summary>Those of the worker that hangs wait for longer.</summary>
    private static readonly TimeSpan Prompt = TimeSpan.FromSeconds(5);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>One server is connected to the coordinator, the other to a worker.</summary>
    [CitusFact(NeedsOwnNodes = true)]
    public async Task Nothing_acknowledged_is_lost_or_doubled_when_each_node_is_killed_under_load()
    {
        await using var citus = await CitusCluster.StartAsync(durable: true, Cancellation);
        await using var store = await TestStore.OnCitusAsync(citus, Cancellation);
        await using var onWorker = TestStore.On(citus.OnWorker(1, store.ConnectionString));
        await using var first = await ServerProcess.StartAsync(store.Settings, Cancellation);
        await using var second = await ServerProcess.StartAsync(onWorker.Settings, Cancellation);
        await using var load = await PairLoad.StartAsync(store, first.Http, second.Http);

        for (var round = 0; round < Rounds; round++)
        {
            foreach (var node in citus.Workers.Append(citus.Coordinator))
            {
                await load.PassesAsync(100, Cancellation);
                await node.KillAsync();
                await Task.Delay(Down, Cancellation);
                await node.RestartAsync(Cancellation);
            }
        }

        await load.PassesAsync(100, Cancellation);
        (first.Log + second.Log).Split('\n').Where(static line => line.Contains(" fail: ")).ShouldBeEmpty();
        await load.StopAsync();
        // Those of this process lead to a coordinator that was killed.
        NpgsqlConnection.ClearAllPools();
        await load.CheckAsync(store);
        (await store.ReadNumberAsync("select count(*) from pg_prepared_xacts")).ShouldBe(0);
        Proofs.Report(Suite, string.Create(
            CultureInfo.InvariantCulture,
            $"Two workers and the coordinator killed {Rounds} times each under load, with one server at the coordinator and one at a "
            + $"worker: {load.Events:N0} events and {load.Reservations:N0} reservations acknowledged, none lost, none twice; no restart, "
            + $"no 500."));
    }

    [CitusFact(NeedsOwnNodes = true)]
    public async Task While_a_worker_is_down_only_its_own_accounts_are_refused()
    {
        await using var citus = await CitusCluster.StartAsync(durable: true, Cancellation);
        await using var store = await TestStore.OnCitusAsync(citus, Cancellation);
        await using var server = await ServerProcess.StartAsync(store.Settings, Cancellation);
        var (healthy, stranded) = await CitusAccounts.SplitAsync(citus, store, server);

        await citus.Workers[0].KillAsync();
        // At once, so that they share groups; and once more, after the server has noticed.
        foreach (var _ in Enumerable.Range(0, 5))
        {
            var answers = await Task.WhenAll(healthy.Concat(stranded).SelectMany(
                account => new[] { account.ReportScanAsync(), account.ReserveAsync(), account.Key.GetAsync("/quota") }));
            answers.Take(3 * healthy.Count).ShouldAllBe(answer => answer.Status == 200 || answer.Status == 201);
            answers.Skip(3 * healthy.Count).ShouldAllBe(answer => answer.Status == 503);
        }

        await citus.Workers[0].RestartAsync(Cancellation);
        await CitusAccounts.AreServedAgainAsync(stranded, Cancellation);
        Proofs.Report(Suite, string.Create(
            CultureInfo.InvariantCulture,
            $"One of two workers killed: all {15 * healthy.Count} requests of the {healthy.Count} accounts on the other were served, sent "
            + $"together with those of {stranded.Count} accounts that were refused; these were served again without a restart."));
    }

    /// <summary>It keeps its connections and answers nothing, as behind a network that loses packets.</summary>
    [CitusFact(NeedsOwnNodes = true)]
    public async Task While_a_worker_hangs_only_its_own_accounts_are_refused()
    {
        await using var citus = await CitusCluster.StartAsync(durable: true, Cancellation);
        await using var store = await TestStore.OnCitusAsync(citus, Cancellation);
        await using var server = await ServerProcess.StartAsync(store.Settings, Cancellation);
        var (healthy, stranded) = await CitusAccounts.SplitAsync(citus, store, server);

        citus.Workers[0].Freeze();
        for (var round = 0; round < HungRounds; round++)
        {
            var refused = Task.WhenAll(stranded.SelectMany(UseAsync));
            var served = await Task.WhenAll(healthy.SelectMany(UseAsync)).WaitAsync(Prompt, Cancellation);
            served.ShouldAllBe(answer => answer.Status == 200 || answer.Status == 201);
            (round == 0 && refused.IsCompleted).ShouldBeFalse("the worker that hangs has answered");
            (await refused).ShouldAllBe(answer => answer.Status == 503);
        }

        citus.Workers[0].Thaw();
        await CitusAccounts.AreServedAgainAsync(stranded, Cancellation);
        Proofs.Report(Suite, string.Create(
            CultureInfo.InvariantCulture,
            $"One of two workers stopped answering, its connections open: all {5 * HungRounds * healthy.Count} requests of the "
            + $"{healthy.Count} accounts on the other were served, sent together with those of {stranded.Count} accounts that were "
            + $"refused; these were served again without a restart."));

        static Task<Answer>[] UseAsync(TestAccount account) =>
        [
            account.ReportScanAsync(), account.ReserveAsync(), account.Key.GetAsync("/quota"), account.Key.GetAsync("/usage"),
            account.Key.GetAsync("/quota/reservations"),
        ];
    }

    [CitusFact(NeedsOwnNodes = true)]
    public async Task A_worker_that_its_standby_replaces_serves_its_accounts_again_without_a_restart()
    {
        await using var citus = await CitusCluster.StartAsync(durable: true, Cancellation);
        await using var store = await TestStore.OnCitusAsync(citus, Cancellation);
        await using var server = await ServerProcess.StartAsync(store.Settings, Cancellation);
        await using var standby = await citus.Workers[0].StartStandbyAsync(Cancellation);
        await citus.Workers[0].ConfigureAsync("synchronous_standby_names", "standby");
        await using var load = await PairLoad.StartAsync(store, server.Http, server.Http);
        await load.PassesAsync(100, Cancellation);

        await citus.Workers[0].KillAsync();
        await standby.PromoteAsync();
        await store.ExecuteSqlAsync(
            $"select citus_update_node(nodeid, '127.0.0.1', {standby.Port}) from pg_dist_node where nodeport = {citus.Workers[0].Port}");

        await load.PassesAsync(100, Cancellation);
        await load.StopAsync();
        await load.CheckAsync(store);
        server.Log.Split('\n').Where(static line => line.Contains(" fail: ")).ShouldBeEmpty();
        Proofs.Report(Suite, string.Create(
            CultureInfo.InvariantCulture,
            $"A worker killed under load and replaced by its synchronous standby (citus_update_node): {load.Events:N0} events and "
            + $"{load.Reservations:N0} reservations acknowledged, none lost, none twice; no restart, no 500."));
    }
}
