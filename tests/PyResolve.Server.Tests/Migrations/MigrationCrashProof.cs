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
        var load = new Load(account);
        var random = new Random(20_261_129);

        for (var kill = 0; kill < kills && await load.GoesOnAsync(random.Next(2, 8), cancellation); kill++)
        {
            // At any moment of a run: while it reserves, migrates, reads what changed, or commits.
            await Task.Delay(random.Next(0, 250), cancellation);
            using (var process = Process.GetProcessById(server.ProcessId))
                process.Kill();
            await server.KillAsync();
            await server.RestartAsync(cancellation);
        }

        var done = await load.EndAsync();
        (await store.ReadNumberAsync("select sum(migrations) from usage_monthly")).ShouldBe(done);
        (await store.ReadNumberAsync("select sum(held) from usage_monthly")).ShouldBe(0);
        (await store.ReadNumberAsync("select count(*) from usage_events")).ShouldBe(done);
        Proofs.Report(
            "Migrations through crashes",
            $"{engine}: {kills} times SIGKILL while {Clients} clients migrate; {done:N0} migrations, each sent "
            + "again until it was answered, each charged once.");
    }

    /// <summary>Clients that migrate one project after the other, each with its key until it is answered.</summary>
    private sealed class Load
    {
        private readonly TestAccount _account;
        private readonly Task _clients;
        private volatile bool _isOver;
        private int _done;

        public Load(TestAccount account)
        {
            _account = account;
            _clients = Task.WhenAll(Enumerable.Range(0, Clients).Select(client => Task.Run(() => MigrateAsync(client))));
        }

        /// <summary>Waits until so many more are done.</summary>
        /// <returns>False if a client has failed.</returns>
        public async Task<bool> GoesOnAsync(int more, CancellationToken cancellationToken)
        {
            var enough = Volatile.Read(ref _done) + more;
            await Eventually.IsTrueAsync(
                () => _clients.IsFaulted || Volatile.Read(ref _done) >= enough, TimeSpan.FromSeconds(120), cancellationToken);
            return !_clients.IsFaulted;
        }

        /// <returns>How many migrations were answered.</returns>
        public async Task<int> EndAsync()
        {
            _isOver = true;
            await _clients;
            return _done;
        }

        private async Task MigrateAsync(int client)
        {
            for (var job = 0; !_isOver; job++)
            {
                while (!await TryAsync($"{client}-{job}"))
                    await Task.Delay(50, CancellationToken.None);
                Interlocked.Increment(ref _done);
            }
        }

        private async Task<bool> TryAsync(string key)
        {
            try
            {
                var answer = await _account.Key.MigrateAsync("append", idempotencyKey: key);
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
