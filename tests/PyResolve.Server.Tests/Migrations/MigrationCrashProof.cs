using System.Diagnostics;

namespace PyResolve.Server.Tests.Migrations;

/// <summary>The server is killed while it migrates: each migration that its client retries until it is answered is charged once.</summary>
[Trait("Category", "Proof")]
public sealed class MigrationCrashProof(SharedServers servers)
{
    private const int Clients = 4;

    [Theory, OnBothEngines]
    public async Task No_charge_is_lost_or_doubled_when_the_server_is_killed(StorageEngine engine)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var kills = Scale.Pick(2, 100);
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
        await using var server = await ServerProcess.StartAsync(
            new Dictionary<string, string?>(store.Settings)
            {
                ["PyResolve__Migrators__append__tier1"] = MigrateDriver.Command("sleep 0.1; echo b >> \"$1/a.py\""),
                ["PyResolve__Migrate__Concurrent"] = "8",
                ["PyResolve__Migrate__ConcurrentPerAccount"] = "8",
            },
            cancellation);
        var account = await TestAccount.SignUpAsync(server.Http);
        await store.ExecuteSqlAsync("update profiles set plan = 'unlimited'");
        using var over = new CancellationTokenSource();
        var random = new Random(20_261_129);
        var done = 0;

        var load = Task.WhenAll(Enumerable.Range(0, Clients).Select(client => Task.Run(() => MigrateUntilAsync(client))));
        for (var kill = 0; kill < kills; kill++)
        {
            var enough = Volatile.Read(ref done) + random.Next(2, 8);
            await Eventually.IsTrueAsync(
                () => load.IsFaulted || Volatile.Read(ref done) >= enough, TimeSpan.FromSeconds(120), cancellation);
            if (load.IsFaulted)
                break;
            // At any moment of a run: while it reserves, migrates, reads what changed, or commits.
            await Task.Delay(random.Next(0, 250), cancellation);
            using (var process = Process.GetProcessById(server.ProcessId))
                process.Kill();
            await server.KillAsync();
            await server.RestartAsync(cancellation);
        }

        await over.CancelAsync();
        await load;

        (await store.ReadNumberAsync("select sum(migrations) from usage_monthly")).ShouldBe(done);
        (await store.ReadNumberAsync("select sum(held) from usage_monthly")).ShouldBe(0);
        (await store.ReadNumberAsync("select count(*) from usage_events")).ShouldBe(done);
        Proofs.Report(
            "Migrations through crashes",
            $"{engine}: {kills} times SIGKILL while {Clients} clients migrate; {done:N0} migrations, each sent "
            + "again until it was answered, each charged once.");

        async Task MigrateUntilAsync(int client)
        {
            for (var job = 0; !over.IsCancellationRequested; job++)
            {
                var key = $"{client}-{job}";
                while (!await TryAsync(key))
                    await Task.Delay(50, cancellation);
                Interlocked.Increment(ref done);
            }
        }

        async Task<bool> TryAsync(string key)
        {
            try
            {
                var answer = await account.Key.MigrateAsync("append", idempotencyKey: key);
                answer.Status.ShouldBeOneOf([200, 503], answer.Text);
                return answer.Status == 200;
            }
            catch (Exception exception) when (ServerProcess.IsAway(exception) || exception is IOException)
            {
                return false;
            }
        }
    }
}
