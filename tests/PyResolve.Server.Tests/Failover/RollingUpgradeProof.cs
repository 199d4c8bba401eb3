using System.Collections.Concurrent;
using System.Globalization;

namespace PyResolve.Server.Tests.Failover;

/// <summary>
/// Servers are replaced one after the other under load, and nothing is refused. In <c>./soak</c> the old ones are of the release before,
/// and the first new one brings the schema up to date; in <c>./test</c> they are of this version too.
/// </summary>
[Trait("Category", "Proof")]
public sealed class RollingUpgradeProof(SharedServers servers)
{
    private const int Clients = 8;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Nothing_is_refused_while_servers_are_replaced_one_after_the_other()
    {
        using var previous = Scale.IsSoak ? await PreviousServer.BuildAsync(Cancellation) : null;
        Assert.SkipWhen(Scale.IsSoak && previous is null, "This clone lacks the commit of build/previous-release.txt.");
        await using var store = await TestStore.CreateAsync(StorageEngine.Postgres, servers.Postgres);
        await using var balancer = new Balancer(store.Settings);
        ServerProcess[] old = [await StartOldAsync(), await StartOldAsync()];
        var schema = await SchemaAsync();
        var account = await TestAccount.SignUpAsync(old[0].Http);
        await store.ExecuteSqlAsync("update profiles set plan = 'unlimited'");
        using var over = new CancellationTokenSource();

        var load = Task.WhenAll(Enumerable.Range(0, Clients).Select(_ => LoadAsync(balancer, account, over.Token)));
        foreach (var server in old)
        {
            await PassesAsync(balancer);
            await balancer.StartAsync(ServerProcess.Assembly, Cancellation);
            await PassesAsync(balancer);
            await balancer.StopAsync(server, Cancellation);
        }

        await PassesAsync(balancer);
        await over.CancelAsync();
        await load;

        // A machine that has other work may not check a key in time.
        balancer.Refusals.Count.ShouldBeLessThanOrEqualTo(
            Scale.Pick(balancer.Answers / 10, 0), string.Join('\n', balancer.Refusals.Take(3)));
        (await store.ReadNumberAsync("select count(*) from usage_events")).ShouldBe(2 * balancer.Rounds);
        (await store.ReadNumberAsync("select sum(migrations) from usage_monthly")).ShouldBe(2 * balancer.Rounds);
        (await store.ReadNumberAsync("select count(*) from reservations")).ShouldBe(balancer.Rounds);
        var upgraded = await SchemaAsync();
        if (Scale.IsSoak)
            upgraded.ShouldBeGreaterThan(schema);
        Proofs.Report("Rolling upgrade", string.Create(
            CultureInfo.InvariantCulture,
            $"Two servers of {(Scale.IsSoak ? "the release before" : "this version")} (schema {schema}) replaced by two of this one "
            + $"(schema {upgraded}) under load on one PostgreSQL: {balancer.Answers:N0} requests, "
            + $"{balancer.Refusals.Count} refused; {2 * balancer.Rounds:N0} events and "
            + $"{balancer.Rounds:N0} reservations, each counted once."));

        Task<ServerProcess> StartOldAsync() => balancer.StartAsync(previous?.Assembly ?? ServerProcess.Assembly, Cancellation);

        Task<long> SchemaAsync() => store.ReadNumberAsync("select max(version) from schema_versions");
    }

    private static async Task LoadAsync(Balancer balancer, TestAccount account, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            var (key, id) = (NewId().ToString(), NewId());
            await balancer.SendAsync(http => account.On(http).Key.GetAsync("/quota"));
            var reserved = await balancer.SendAsync(http => account.On(http).ReserveAsync(idempotencyKey: key));
            await balancer.SendAsync(http => account.On(http).CommitAsync(reserved.Id()));
            var usage = new { id, event_type = "migration", tier = "tier1" };
            await balancer.SendAsync(http => account.On(http).Key.PostAsync("/usage", usage));
            balancer.CountRound();
        }
    }

    private static Guid NewId() => Guid.CreateVersion7(TimeProvider.System.GetUtcNow());

    private static async Task PassesAsync(Balancer balancer)
    {
        var goal = balancer.Answers + Scale.Pick(200, 2_000);
        await Eventually.IsTrueAsync(() => balancer.Answers >= goal, TimeSpan.FromSeconds(60), Cancellation);
    }

    /// <summary>Sends each request to the next server, and takes a server out before it is stopped.</summary>
    private sealed class Balancer(IReadOnlyDictionary<string, string?> settings) : IAsyncDisposable
    {
        private readonly Lock _gate = new();
        private readonly List<ServerProcess> _all = [];
        private readonly List<ServerProcess> _serving = [];
        private readonly ConcurrentDictionary<ServerProcess, int> _running = new();
        private int _next;
        private int _answers;
        private int _rounds;

        public int Answers => Volatile.Read(ref _answers);

        /// <summary>Each has one reservation and two events.</summary>
        public int Rounds => Volatile.Read(ref _rounds);

        public ConcurrentBag<string> Refusals { get; } = [];

        public void CountRound() => Interlocked.Increment(ref _rounds);

        public async Task<ServerProcess> StartAsync(string assembly, CancellationToken cancellationToken)
        {
            var server = await ServerProcess.StartProgramAsync(assembly, settings, cancellationToken);
            lock (_gate)
            {
                _all.Add(server);
                _serving.Add(server);
            }

            return server;
        }

        public async Task StopAsync(ServerProcess server, CancellationToken cancellationToken)
        {
            lock (_gate)
                _serving.Remove(server);
            await Eventually.IsTrueAsync(() => _running.GetValueOrDefault(server) == 0, cancellationToken: cancellationToken);
            await server.StopAsync();
        }

        /// <summary>What is refused is sent again, as the SDK does.</summary>
        public async Task<Answer> SendAsync(Func<HttpClient, Task<Answer>> ask)
        {
            Answer? answer = null;
            await Eventually.IsTrueAsync(async () => (answer = await TrySendAsync(ask)) is not null, TimeSpan.FromSeconds(60));
            return answer!;
        }

        /// <returns>null: refused.</returns>
        private async Task<Answer?> TrySendAsync(Func<HttpClient, Task<Answer>> ask)
        {
            ServerProcess server;
            lock (_gate)
            {
                server = _serving[_next++ % _serving.Count];
                _running.AddOrUpdate(server, 1, static (_, count) => count + 1);
            }

            try
            {
                var answer = await ask(server.Http);
                Interlocked.Increment(ref _answers);
                if (answer.Status is 200 or 201)
                    return answer;
                Refusals.Add($"{answer.Status} {answer.Text}");
            }
            catch (Exception exception) when (ServerProcess.IsAway(exception))
            {
                Refusals.Add(exception.Message);
            }
            finally
            {
                _running.AddOrUpdate(server, 0, static (_, count) => count - 1);
            }

            return null;
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var server in _all)
                await server.DisposeAsync();
        }
    }
}
