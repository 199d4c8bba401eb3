using System.Globalization;
using System.Text.Json;
using PyResolve.Benchmarks.Reporting;
using PyResolve.Benchmarks.Servers;
using PyResolve.TestKit;

namespace PyResolve.Benchmarks.Scenarios;

/// <summary>How long a large store takes to be backed up and to be restored into each engine, and how much memory.</summary>
internal static class Backups
{
    private const double MostBackupSeconds = 60;
    private const double MostRestoreSeconds = 120;
    private const double MostMegabytes = 200;

    public static async Task<ScenarioResult> MeasureAsync(Bench bench, CancellationToken cancellationToken)
    {
        await using var unused = new PostgresFixture();
        var folder = Directory.CreateTempSubdirectory("pyresolve-backup-benchmark-");
        var measured = new List<MeasuredCommand>();
        try
        {
            foreach (var engine in StorageEngines.Both)
            {
                var file = Path.Combine(folder.FullName, $"{engine}.backup");
                await using var store = await CreateAsync(bench, engine, unused, cancellationToken);
                await FillAsync(bench, store, cancellationToken);
                var backup = await bench.MeasureCommandAsync(store, ["backup", file, "--json"], cancellationToken);
                measured.Add(new MeasuredCommand($"backup of {NameOf(engine)}", backup, IsBackup: true, new FileInfo(file).Length));
                foreach (var target in StorageEngines.Both)
                {
                    await using var empty = await CreateAsync(bench, target, unused, cancellationToken);
                    var restore = await bench.MeasureCommandAsync(empty, ["restore", file, "--json"], cancellationToken);
                    var again = Path.Combine(folder.FullName, $"{engine}-{target}.backup");
                    var stored = await bench.MeasureCommandAsync(empty, ["backup", again, "--json"], cancellationToken);
                    if (DigestsOf(stored) != DigestsOf(backup))
                        throw new InvalidOperationException($"{NameOf(target)} has other rows than the backup of {NameOf(engine)}.");
                    File.Delete(again);
                    measured.Add(new MeasuredCommand(
                        $"restore of {NameOf(engine)} into {NameOf(target)}", restore, IsBackup: false, FileBytes: null));
                }
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        var events = bench.Effort.Keys * FilledStore.EventsAnAccount;
        return new ScenarioResult(
            [
                new Table(
                    [$"{events:N0} events", "seconds", "most resident MB", "MB of the file"],
                    [.. measured.Select(static one => one.Row)]),
            ],
            [
                Within(MostBackupSeconds, measured.Where(static one => one.IsBackup), $"{events:N0} events are backed up"),
                Within(MostRestoreSeconds, measured.Where(static one => !one.IsBackup), $"{events:N0} events are restored"),
                new Goal(
                    $"At most {MostMegabytes} MB of memory",
                    $"{measured.Max(static one => one.Megabytes):N0} MB at most",
                    measured.TrueForAll(static one => one.Megabytes <= MostMegabytes)),
            ]);
    }

    private static async Task<TestStore> CreateAsync(
        Bench bench, StorageEngine engine, PostgresFixture unused, CancellationToken cancellationToken) =>
        engine is StorageEngine.Sqlite
            ? await TestStore.CreateAsync(engine, unused)
            : TestStore.On((await bench.CreateStoreAsync(cancellationToken)).ConnectionString);

    private static async Task FillAsync(Bench bench, TestStore store, CancellationToken cancellationToken)
    {
        await using var server = await bench.StartServerAsync(store, cancellationToken);
        var account = await TestAccount.SignUpAsync(server.Http);
        await FilledStore.FillAsync(store, account.UserId, bench.Effort.Keys, cancellationToken);
        await FilledStore.CountAsync(server, cancellationToken);
    }

    private static string NameOf(StorageEngine engine) => engine is StorageEngine.Sqlite ? "SQLite" : "PostgreSQL";

    /// <summary>Each table with its rows and their digest.</summary>
    private static string DigestsOf(CommandCost command)
    {
        using var answer = JsonDocument.Parse(command.Output);
        return answer.RootElement.GetProperty("tables").GetRawText();
    }

    private static Goal Within(double seconds, IEnumerable<MeasuredCommand> commands, string promise)
    {
        var most = commands.Max(static one => one.Cost.Elapsed.TotalSeconds);
        return new Goal(
            $"{promise} within {seconds} s", string.Create(CultureInfo.InvariantCulture, $"{most:0.0} s at most"), most <= seconds);
    }

    private sealed record MeasuredCommand(string Name, CommandCost Cost, bool IsBackup, long? FileBytes)
    {
        public double Megabytes => Cost.PeakBytes / 1e6;

        public IReadOnlyList<string> Row =>
        [
            Name,
            Cost.Elapsed.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture),
            $"{Megabytes:N0}",
            FileBytes is { } bytes ? $"{bytes / 1e6:N0}" : "",
        ];
    }
}
