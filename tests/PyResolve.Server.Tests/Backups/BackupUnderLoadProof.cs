using System.Globalization;
using System.Text.Json;
using PyResolve.Server.Tests.Usage;

namespace PyResolve.Server.Tests.Backups;

/// <summary>
/// A backup that is taken while a thousand events a second arrive has the ledger as it was at one instant, with all that was acknowledged
/// before it, and either engine gets it back exactly.
/// </summary>
[Trait("Category", "Proof")]
public sealed class BackupUnderLoadProof(SharedServers servers)
{
    private const int EventsASecond = 1_000;

    private static readonly int Rounds = Scale.Pick(shortForm: 1, longForm: 10);
    private static readonly int MaxRounds = 5 * Rounds;
    private static readonly TimeSpan Before = Scale.Pick(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(30));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, OnBothEngines]
    public async Task A_backup_under_load_is_of_one_instant_and_is_restored_exactly_into_either_engine(StorageEngine from)
    {
        await using var store = await TestStore.CreateAsync(from, servers.Postgres);
        await using var server = await ServerProcess.StartAsync(store.Settings, Cancellation);
        await using var load = await PacedLoad.StartAsync(server.Http, EventsASecond);
        await Task.Delay(Before, Cancellation);

        var (restored, late, rounds) = (0L, 0L, 0);
        // A backup may be so short that no answer falls into it.
        for (; rounds < Rounds || (late == 0 && rounds < MaxRounds); rounds++)
        {
            using var folder = new BackupFolder();
            var backup = (await BackupFolder.RunAsync(store, "backup", folder.File, "--json")).OrThrow("backup");
            using var summary = JsonDocument.Parse(backup.Output);
            var takenAt = summary.RootElement.GetProperty("taken_at").GetDateTimeOffset();
            late += load.Acknowledged.Count(one => one.At >= takenAt);
            foreach (var into in StorageEngines.Both)
                restored = await RestoreAsync(folder, into, Tables(summary), load, takenAt);
        }

        await load.StopAsync();
        late.ShouldBeGreaterThan(0, "Nothing was acknowledged while the backup ran.");
        load.PerSecond.ShouldBeGreaterThan(Scale.Pick(0.5, 0.95) * EventsASecond);
        Proofs.Report("Backups under load", string.Create(
            CultureInfo.InvariantCulture,
            $"{from}: {rounds} backup(s) while {load.PerSecond:N0} events a second arrived, the last of {restored:N0} events, each "
                + $"restored into both engines: every table has the digest of the backup, every rollup equals a recount, nothing is "
                + $"missing that was acknowledged before the instant of the backup, a live key works, a revoked one does not."));
    }

    /// <returns>How many events it has.</returns>
    private async Task<long> RestoreAsync(
        BackupFolder folder, StorageEngine into, string tables, PacedLoad load, DateTimeOffset takenAt)
    {
        await using var store = await TestStore.CreateAsync(into, servers.Postgres);
        var restore = (await BackupFolder.RunAsync(store, "restore", folder.File, "--json")).OrThrow("restore");
        using var summary = JsonDocument.Parse(restore.Output);

        Tables(summary).ShouldBe(tables);
        (await TablesOfAsync(store, folder)).ShouldBe(tables);
        (await store.CountDifferencesAsync()).ShouldBe(0);
        var stored = ((string)(await store.ReadSqlAsync("select string_agg(cast(id as text), ',') from usage_events"))!)
            .Split(',').Select(static id => Guid.ParseExact(id, "D")).ToHashSet();
        load.Acknowledged.Where(one => one.At < takenAt).Select(static one => one.Id).Where(id => !stored.Contains(id)).ShouldBeEmpty();
        stored.Except(load.Sent).ShouldBeEmpty();

        await using var server = await ServerProcess.StartAsync(store.Settings, Cancellation);
        var account = load.Account.On(server.Http);
        (await account.Key.GetAsync("/quota")).Status.ShouldBe(200);
        (await account.Key.With(load.RevokedKey).GetAsync("/quota")).Status.ShouldBe(401);
        return stored.Count;
    }

    /// <summary>The digests of what is stored: those of a restore are of the rows that it read from the file.</summary>
    private static async Task<string> TablesOfAsync(TestStore store, BackupFolder folder)
    {
        var backup = (await BackupFolder.RunAsync(store, "backup", folder.Other, "--json")).OrThrow("backup of the restored store");
        File.Delete(folder.Other);
        using var summary = JsonDocument.Parse(backup.Output);
        return Tables(summary);
    }

    private static string Tables(JsonDocument summary) => summary.RootElement.GetProperty("tables").GetRawText();
}
