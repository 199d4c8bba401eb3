using PyResolve.Server.Tests.Http;
using PyResolve.Server.Tests.Leases;

namespace PyResolve.Server.Tests.Backups;

/// <summary>Work under a lease is reported later: a restore may have lost what was reported already, or the lease itself.</summary>
public sealed class RestoredLeaseTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task A_lease_of_the_backup_whose_work_is_reported_again_counts_it_once(StorageEngine engine)
    {
        using var folder = new BackupFolder();
        await using var own = await LeaseDriver.StartAsync(engine, servers);
        var account = await own.SignUpAsync();
        var work = TwoEvents(own.Clock, (await account.LeaseAsync(quantity: 3)).Id());
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
        (await BackupFolder.RunAsync(own.Store, "backup", folder.File)).OrThrow("backup");
        (await account.Key.PostAsync("/usage/batch", work))["recorded"].GetInt32().ShouldBe(2);

        (await BackupFolder.RunAsync(store, "restore", folder.File)).OrThrow("restore");
        await using var server = await TestServer.StartAsync(store, clock: own.Clock);
        var restored = account.On(server.Http);
        (await restored.QuotaAsync()).ShouldBe(new QuotaView(Used: 0, Held: 3, Remaining: 2));
        (await restored.Key.PostAsync("/usage/batch", work))["recorded"].GetInt32().ShouldBe(2);
        (await restored.Key.PostAsync("/usage/batch", work))["duplicates"].GetInt32().ShouldBe(2);

        (await restored.QuotaAsync()).ShouldBe(new QuotaView(Used: 2, Held: 1, Remaining: 2));
        own.Clock.Advance(TimeSpan.FromHours(1));
        (await restored.QuotaAsync()).ShouldBe(new QuotaView(Used: 3, Held: 0, Remaining: 2));
    }

    /// <summary>Processes of their own: in this one, ids have the times of other tests' clocks, too.</summary>
    [Theory, OnBothEngines]
    public async Task Work_under_a_lease_that_the_restore_lost_counts_once_and_late(StorageEngine engine)
    {
        using var folder = new BackupFolder();
        await using var old = await TestStore.CreateAsync(engine, servers.Postgres);
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
        var leases = LeaseDriver.Settings();
        await using var first = await StartAsync(old, leases);
        var account = await TestAccount.SignUpAsync(first.Http);
        (await BackupFolder.RunAsync(old, "backup", folder.File)).OrThrow("backup");
        var lease = (await account.LeaseAsync(quantity: 3)).Id();
        var work = TwoEvents(TimeProvider.System, lease);

        (await BackupFolder.RunAsync(store, "restore", folder.File)).OrThrow("restore");
        await using var second = await StartAsync(store, leases);
        var restored = account.On(second.Http);
        (await restored.Key.PostAsync("/usage/batch", work))["recorded"].GetInt32().ShouldBe(2);
        (await restored.Key.PostAsync("/usage/batch", work))["duplicates"].GetInt32().ShouldBe(2);

        (await restored.QuotaAsync()).ShouldBe(new QuotaView(Used: 2, Held: 0, Remaining: 3));
        (await store.ReadNumberAsync("select count(*) from usage_events where late")).ShouldBe(2);
        (await restored.ReleaseAsync(lease)).ShouldBeProblem(404, "not_found");
    }

    private static Task<ServerProcess> StartAsync(TestStore store, Dictionary<string, string?> leases) => ServerProcess.StartAsync(
        new Dictionary<string, string?>(store.Settings.Concat(leases)), TestContext.Current.CancellationToken);

    private static object TwoEvents(TimeProvider time, Guid lease) => new
    {
        events = Enumerable.Range(0, 2).Select(_ => new
        {
            id = Guid.CreateVersion7(time.GetUtcNow()),
            event_type = "migration",
            tier = "tier1",
            library = "pydantic",
            reservation_id = lease,
        }).ToArray(),
    };
}
