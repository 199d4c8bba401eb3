using System.Globalization;

namespace PyResolve.Server.Tests.Failover;

/// <summary>
/// Servers of the release before are replaced by this version, one after the other, under load: the first new one brings the schema up to
/// date, and both versions serve one database meanwhile. Then a server of this version is replaced, as an upgrade to the next one will do.
/// A clone without the history of the release before replaces this version by itself in <c>./test</c>, and nothing in <c>./soak</c>.
/// </summary>
[Trait("Category", "Proof")]
public sealed class RollingUpgradeProof(SharedServers servers)
{
    /// <summary>
    /// Few, and they pause in <c>./test</c>, which has other tests to run: what a machine is too busy for is answered 503, whichever
    /// servers there are.
    /// </summary>
    private static readonly int Clients = Scale.Pick(shortForm: 3, longForm: 8);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(Scale.Pick(shortForm: 20, longForm: 0));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Nothing_is_refused_while_servers_are_replaced_one_after_the_other()
    {
        var previous = await PreviousServer.FindAsync(Cancellation);
        Assert.SkipWhen(Scale.IsSoak && previous is null, "This clone lacks the commit of build/previous-release.txt.");
        await using var store = await TestStore.CreateAsync(StorageEngine.Postgres, servers.Postgres);
        await using var balancer = new Balancer(store.Settings);
        var running = new Queue<ServerProcess>();
        for (var i = 0; i < 2; i++)
            running.Enqueue(await balancer.StartAsync(previous ?? ServerProcess.Assembly, Cancellation));
        var schema = await SchemaAsync();
        var account = await TestAccount.SignUpAsync(running.Peek().Http);
        await store.ExecuteSqlAsync("update profiles set plan = 'unlimited'");
        using var over = new CancellationTokenSource();

        var load = Task.WhenAll(Enumerable.Range(0, Clients).Select(_ => LoadAsync(balancer, account, over.Token)));
        foreach (var drains in (bool[])[previous is null, previous is null, true])
        {
            await PassesAsync(balancer);
            running.Enqueue(await balancer.StartAsync(ServerProcess.Assembly, Cancellation));
            await PassesAsync(balancer);
            await balancer.StopAsync(running.Dequeue(), drains, Cancellation);
        }

        await PassesAsync(balancer);
        await over.CancelAsync();
        await load;

        balancer.Refusals.ShouldBeEmpty();
        (await store.ReadNumberAsync("select count(*) from usage_events")).ShouldBe(2 * balancer.Rounds);
        (await store.ReadNumberAsync("select sum(migrations) from usage_monthly")).ShouldBe(2 * balancer.Rounds);
        (await store.ReadNumberAsync("select count(*) from reservations")).ShouldBe(balancer.Rounds);
        var upgraded = await SchemaAsync();
        upgraded.ShouldBeGreaterThanOrEqualTo(schema);
        Proofs.Report("Rolling upgrade", string.Create(
            CultureInfo.InvariantCulture,
            $"Two servers of {(previous is null ? "this version" : "the release before")} (schema {schema}) replaced by two of this one "
            + $"(schema {upgraded}), and one of those by another, under load on one PostgreSQL: {balancer.Answers:N0} requests, "
            + $"{balancer.Refusals.Count} refused; {2 * balancer.Rounds:N0} events and "
            + $"{balancer.Rounds:N0} reservations, each counted once."));

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
            await Task.Delay(Pause, Cancellation);
        }
    }

    private static Guid NewId() => Guid.CreateVersion7(TimeProvider.System.GetUtcNow());

    private static async Task PassesAsync(Balancer balancer)
    {
        var goal = balancer.Answers + Scale.Pick(200, 2_000);
        await Eventually.IsTrueAsync(() => balancer.Answers >= goal, TimeSpan.FromSeconds(60), Cancellation);
    }
}
