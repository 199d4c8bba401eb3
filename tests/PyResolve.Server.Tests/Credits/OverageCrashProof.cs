using System.Globalization;

namespace PyResolve.Server.Tests.Credits;

/// <summary>If a server is killed between a commit and its meter event, each committed unit is billed once, none of a release.</summary>
[Trait("Category", "Proof")]
public sealed class OverageCrashProof(SharedServers servers)
{
    private static readonly int Kills = Scale.Pick(3, 100);

    [Theory, OnBothEngines]
    public async Task A_server_killed_between_commit_and_meter_event_bills_each_unit_once(StorageEngine engine)
    {
        var cancellation = TestContext.Current.CancellationToken;
        await using var postgres = engine is StorageEngine.Postgres ? await PostgresServer.StartAsync(durable: true, cancellation) : null;
        await using var store = postgres is null
            ? await TestStore.CreateAsync(engine, servers.Postgres)
            : TestStore.On(await postgres.CreateDatabaseAsync(cancellationToken: cancellation));
        await using var load = await OverageLoad.StartAsync(store, cancellation);

        // The first kill may fall while nothing waits.
        while (load.Kills < Kills || load.Interrupted == 0)
            await load.RunAndKillAsync(cancellation);
        await load.SettleAsync(cancellation);

        var billed = await load.BilledAsync();
        billed.ShouldBe(load.Committed);
        var events = await store.ReadNumberAsync("select count(*) from meter_events");
        (await store.ReadNumberAsync("select coalesce(sum(units), 0) from meter_events")).ShouldBe(load.Committed);
        load.Released.ShouldBeGreaterThan(0);
        Proofs.Report("Crashes between a commit and its meter event", string.Create(
            CultureInfo.InvariantCulture,
            $"{engine}: {load.Kills} kills, at which meter events were stored and not yet sent {load.Interrupted:N0} times; "
            + $"{events:N0} events reported by {load.Reports:N0} requests: {load.Committed:N0} units committed and {billed:N0} billed, "
            + $"{load.Released:N0} units released and none of them billed."));
    }
}
