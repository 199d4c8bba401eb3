using System.Globalization;

namespace PyResolve.Server.Tests.Billing;

/// <summary>If a server is killed between an event's delivery and its effect, nothing is lost and nothing is done twice.</summary>
[Trait("Category", "Proof")]
public sealed class SyncCrashProof(SharedServers servers)
{
    private static readonly int Kills = Scale.Pick(2, 40);

    [Theory, OnBothEngines]
    public async Task A_server_killed_between_delivery_and_effect_loses_nothing_and_applies_nothing_twice(StorageEngine engine)
    {
        var cancellation = TestContext.Current.CancellationToken;
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
        await using var crashing = await CrashingServers.StartAsync(store, cancellation);

        // The first kill may fall before or after everything.
        while (crashing.Kills < Kills || crashing.Interrupted == 0)
            await crashing.RunAsync(cancellation);

        await crashing.CheckAsync();
        Proofs.Report("Crashes between Stripe's events and their effect", string.Create(
            CultureInfo.InvariantCulture,
            $"{engine}: {crashing.Kills} kills while {crashing.Changes:N0} events arrived, "
            + $"{crashing.Interrupted:N0} of them stored and without effect at a kill: "
            + $"every plan right, every change written once, one customer and one checkout an account, "
            + $"every deleted account's subscription cancelled; "
            + $"all was settled {crashing.LongestRecovery.TotalSeconds:0} s after the restart at most."));
    }
}
