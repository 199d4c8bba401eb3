using System.Diagnostics;
using System.Globalization;

namespace PyResolve.Server.Tests.Backups;

/// <summary>A restore that is killed at any point leaves the store empty or whole, and can be run again.</summary>
[Trait("Category", "Proof")]
public sealed class RestoreCrashProof(SharedServers servers)
{
    private const int EventsInABatch = 500;

    private static readonly int Batches = Scale.Pick(shortForm: 4, longForm: 100);
    private static readonly int Kills = Scale.Pick(shortForm: 6, longForm: 100);

    [Theory, OnBothEngines]
    public async Task A_restore_that_is_killed_leaves_the_store_empty_or_whole(StorageEngine engine)
    {
        using var folder = new BackupFolder();
        var events = await BackUpEventsAsync(engine, folder);
        var (empty, whole) = (0, 0);
        var full = TimeSpan.Zero;
        var random = new Random(20261129);

        var store = await TestStore.CreateAsync(engine, servers.Postgres);
        for (var kill = 0; kill < Kills; kill++)
        {
            using var killed = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            // The first runs to its end, which says how long one takes.
            if (full > TimeSpan.Zero)
                killed.CancelAfter(full * random.NextDouble() * 1.1);
            var start = Stopwatch.GetTimestamp();
            await RunAsync(store, folder, killed.Token);
            await SettleAsync(store);
            if (full == TimeSpan.Zero)
                full = Stopwatch.GetElapsedTime(start);

            var stored = await CountAsync(store);
            stored.ShouldBeOneOf(0, events);
            (empty, whole) = stored == 0 ? (empty + 1, whole) : (empty, whole + 1);
            if (stored == events)
            {
                await store.DisposeAsync();
                store = await TestStore.CreateAsync(engine, servers.Postgres);
            }
        }

        await store.DisposeAsync();
        (whole > 0 && empty > 0).ShouldBeTrue($"{empty} empty, {whole} whole");
        Proofs.Report("Restores that are killed", string.Create(
            CultureInfo.InvariantCulture,
            $"{engine}: {Kills} restores of {events:N0} events, all but one killed at a random point: "
                + $"{empty} left the store empty, {whole} whole."));
    }

    private static async Task RunAsync(TestStore store, BackupFolder folder, CancellationToken cancellationToken)
    {
        try
        {
            (await ServerProcess.RunAsync(["restore", folder.File], store.Settings, cancellationToken)).OrThrow("restore");
        }
        catch (OperationCanceledException) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
        {
            // Killed, as it was meant to be.
        }
    }

    /// <summary>PostgreSQL may finish a commit whose client is gone already.</summary>
    private static async Task SettleAsync(TestStore store)
    {
        if (store.Engine is not StorageEngine.Postgres)
            return;
        await Eventually.IsTrueAsync(
            async () => await store.ReadNumberAsync(
                """
                select count(*) from pg_stat_activity
                where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()
                """) == 0,
            TimeSpan.FromMinutes(1),
            TestContext.Current.CancellationToken,
            "no one else is connected");
    }

    /// <returns>How many events are in the backup.</returns>
    private async Task<long> BackUpEventsAsync(StorageEngine engine, BackupFolder folder)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        for (var i = 0; i < Batches; i++)
        {
            var events = Enumerable.Range(0, EventsInABatch).Select(static _ => new { event_type = "analysis", tokens_used = 7 });
            (await account.Key.PostAsync("/usage/batch", new { events })).Status.ShouldBe(200);
        }
        (await BackupFolder.RunAsync(own.Store, "backup", folder.File)).OrThrow("backup");
        return await CountAsync(own.Store);
    }

    private static async Task<long> CountAsync(TestStore store)
    {
        try
        {
            return await store.ReadNumberAsync("select count(*) from usage_events");
        }
        catch (System.Data.Common.DbException)
        {
            // It was killed before it made the tables.
            return 0;
        }
    }
}
