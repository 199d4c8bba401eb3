using System.Globalization;
using PyResolve.Benchmarks.Reporting;
using PyResolve.Benchmarks.Servers;
using PyResolve.TestKit;

namespace PyResolve.Benchmarks.Scenarios;

/// <summary>How long <c>migrate-schema</c> takes on a large store of an older version, in all and for each version of the schema.</summary>
internal static class Upgrade
{
    private const double MostSecondsAMillion = 10;

    public static async Task<ScenarioResult> MeasureAsync(Bench bench, CancellationToken cancellationToken)
    {
        await using var unused = new PostgresFixture();
        var measured = new List<MeasuredUpgrade>();
        foreach (var engine in StorageEngines.Both)
        {
            await using var store = engine is StorageEngine.Sqlite
                ? await TestStore.CreateAsync(engine, unused)
                : TestStore.On((await bench.CreateStoreAsync(cancellationToken)).ConnectionString);
            await OlderStore.MakeAsync(store, bench.Effort.Events, cancellationToken);
            measured.Add(await MeasureAsync(bench, store, cancellationToken));
        }

        var most = measured.Max(static one => one.Cost.Elapsed.TotalSeconds);
        var allowed = Math.Max(1, bench.Effort.Events / 1e6) * MostSecondsAMillion;
        return new ScenarioResult(
            [
                new Table(
                    [$"schema, {bench.Effort.Events:N0} events", .. measured.Select(static one => $"{one.Name}, seconds")],
                    [
                        .. measured[0].Seconds.Keys.Select(version => (IReadOnlyList<string>)
                            [$"{version}", .. measured.Select(one => Text(one.Seconds[version]))]),
                        ["the whole command", .. measured.Select(static one => Text(one.Cost.Elapsed.TotalSeconds))],
                        ["its most resident MB", .. measured.Select(static one => $"{one.Cost.PeakBytes / 1e6:N0}")],
                    ]),
            ],
            [
                new Goal(
                    $"An upgrade takes at most {MostSecondsAMillion} s for each million events",
                    $"{Text(most)} s at most",
                    most <= allowed),
            ]);
    }

    private static async Task<MeasuredUpgrade> MeasureAsync(Bench bench, TestStore store, CancellationToken cancellationToken)
    {
        var start = TimeProvider.System.GetUtcNow();
        var cost = await bench.MeasureCommandAsync(store, ["migrate-schema"], cancellationToken);
        var isPostgres = store.Engine is StorageEngine.Postgres;
        var instant = isPostgres ? "cast(extract(epoch from applied_at) * 1000000 as bigint)" : "applied_at";
        var list = isPostgres ? "string_agg(line, ',' order by version)" : "group_concat(line, ',')";
        var applied = (string)(await store.ReadSqlAsync(
            $"""
            select {list} from (
                select version, version || ':' || {instant} as line from schema_versions where version > {OlderStore.Schema}
                order by version) v
            """))!;
        var seconds = new SortedDictionary<int, double>();
        var before = (start - DateTimeOffset.UnixEpoch).TotalSeconds;
        foreach (var line in applied.Split(',').Select(static line => line.Split(':')))
        {
            var at = long.Parse(line[1], CultureInfo.InvariantCulture) / 1e6;
            seconds[int.Parse(line[0], CultureInfo.InvariantCulture)] = at - before;
            before = at;
        }

        return new MeasuredUpgrade(isPostgres ? "PostgreSQL" : "SQLite", cost, seconds);
    }

    private static string Text(double seconds) => seconds.ToString("0.0", CultureInfo.InvariantCulture);

    /// <summary><c>Seconds</c> by version; those of the first begin with the start of the command.</summary>
    private sealed record MeasuredUpgrade(string Name, CommandCost Cost, SortedDictionary<int, double> Seconds);
}
