using System.Diagnostics;
using System.Globalization;

namespace PyResolve.Server.Tests.Backups;

/// <summary>A restore that is killed at any point leaves the store empty or whole, and can be run again.</summary>
[Trait("Category", "Proof")]
public sealed class RestoreCrashProof(SharedServers servers)
{
    private const int EventsInABatch = 500;

    /// <summary>Before the table of losses.</summary>
    private const int Older = 15;

    private static readonly int Batches = Scale.Pick(shortForm: 4, longForm: 100);
    private static readonly int EventsOfOlder = Scale.Pick(shortForm: 20_000, longForm: 200_000);
    private static readonly int Kills = Scale.Pick(shortForm: 6, longForm: 100);

    [Theory, OnBothEngines]
    public async Task A_restore_that_is_killed_leaves_the_store_empty_or_whole(StorageEngine engine)
    {
        using var folder = new BackupFolder();
        var events = await BackUpEventsAsync(engine, folder);

        var (empty, whole) = await KillAsync(engine, folder.File, events);

        Proofs.Report("Restores that are killed", string.Create(
            CultureInfo.InvariantCulture,
            $"{engine}: {Kills} restores of {events:N0} events, all but one killed at a random point: "
                + $"{empty} left the store empty, {whole} whole."));
    }

    /// <summary>One that brings the schema up to date after the rows.</summary>
    [Theory, OnBothEngines]
    public async Task A_restore_of_an_older_schema_that_is_killed_leaves_the_store_empty_or_whole(StorageEngine engine)
    {
        using var folder = new BackupFolder();
        await using (var old = await TestStore.CreateAsync(engine, servers.Postgres))
            await old.BackUpOlderAsync(folder, Older, EventsOfOlder);

        var (empty, whole) = await KillAsync(engine, folder.Other, EventsOfOlder);

        Proofs.Report("Restores that are killed", string.Create(
            CultureInfo.InvariantCulture,
            $"{engine}: {Kills} restores of {EventsOfOlder:N0} events of schema version {Older}, all but one killed at a random point: "
                + $"{empty} left the store empty, {whole} whole, up to date, and with the loss noted."));
    }

    private async Task<(int Empty, int Whole)> KillAsync(StorageEngine engine, string file, long events)
    {
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
            await RunAsync(store, file, killed.Token);
            await store.UntilAloneAsync();
            if (full == TimeSpan.Zero)
                full = Stopwatch.GetElapsedTime(start);

            if (!await store.HasTablesAsync())
            {
                empty++;
                continue;
            }

            whole++;
            (await store.ReadNumberAsync("select count(*) from usage_events")).ShouldBe(events);
            (await store.ReadNumberAsync("select count(*) from store_losses")).ShouldBe(1);
            await store.DisposeAsync();
            store = await TestStore.CreateAsync(engine, servers.Postgres);
        }

        await store.DisposeAsync();
        (whole > 0 && empty > 0).ShouldBeTrue($"{empty} empty, {whole} whole");
        return (empty, whole);
    }

    private static async Task RunAsync(TestStore store, string file, CancellationToken cancellationToken)
    {
        try
        {
            (await ServerProcess.RunAsync(["restore", file], store.Settings, cancellationToken)).OrThrow("restore");
        }
        catch (OperationCanceledException) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
        {
            // Killed, as it was meant to be.
        }
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
        return await own.Store.ReadNumberAsync("select count(*) from usage_events");
    }
}
