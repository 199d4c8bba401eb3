using System.Diagnostics;

namespace PyResolve.Server.Tests.Http;

/// <summary>
/// Valid bodies with random damage, and random bytes, are never answered with a 5xx, nothing hangs, and the server's memory does not grow.
/// A failure names the seed.
/// </summary>
[Trait("Category", "Proof")]
public sealed class BodyMutationProof(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task No_damaged_body_is_answered_with_a_5xx(StorageEngine engine)
    {
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
        await using var server = await ServerProcess.StartAsync(
            new Dictionary<string, string?>(store.Settings)
            {
                ["PyResolve__PasswordIterations"] = "1000",
                ["PyResolve__SignUpsPerHour"] = "1000000",
                ["PyResolve__LogInFailuresPerAddress"] = "1000000",
            },
            TestContext.Current.CancellationToken);
        var account = await TestAccount.SignUpAsync(server.Http);
        // Bodies that pass the checks must reach the ledger: neither the plan's limit nor a settled reservation may prevent that.
        await store.ExecuteSqlAsync("update profiles set plan = 'unlimited'");
        var load = await DamagedBodies.CreateAsync(account);
        var bodies = DamagedBodies.BodiesAClient * Scale.Pick(1, 834);

        // In the first round, code and pools grow to their full size.
        await load.SendToAllAsync(Math.Min(bodies, 5_000), seed: 20_261_115);
        var before = ResidentBytes(server);
        await load.SendToAllAsync(bodies, seed: 40_261_116);
        var after = ResidentBytes(server);

        after.ShouldBeLessThan((before * 3 / 2) + (64 << 20));
        load.Answers.Keys.ShouldContain(400);
        load.Answers.Keys.ShouldContain(422);
        (await store.ReadNumberAsync("select count(distinct once_key) from reservations")).ShouldBeGreaterThan(bodies / 20);
        (await store.ReadNumberAsync("select count(*) from reservations where state = 'committed'")).ShouldBeGreaterThan(bodies / 40);
        Proofs.Report(
            "Damaged bodies",
            $"{engine}: {load.Answers.Values.Sum():N0} bodies over {load.Routes} routes, no 5xx "
                + $"({string.Join(", ", load.Answers.OrderBy(count => count.Key).Select(count => $"{count.Value:N0} × {count.Key}"))}); "
                + $"the server's resident memory went from {before >> 20:N0} to {after >> 20:N0} MiB.");
    }

    private static long ResidentBytes(ServerProcess server)
    {
        using var process = Process.GetProcessById(server.ProcessId);
        return process.WorkingSet64;
    }
}
