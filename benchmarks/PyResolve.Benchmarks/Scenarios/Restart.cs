using System.Diagnostics;
using System.Globalization;
using PyResolve.Benchmarks.Load;
using PyResolve.Benchmarks.Measuring;
using PyResolve.Benchmarks.Reporting;
using PyResolve.Benchmarks.Servers;
using PyResolve.TestKit;

namespace PyResolve.Benchmarks.Scenarios;

/// <summary>The time after which a server that starts with many active keys has its full speed, and the cost of a cached key.</summary>
internal static class Restart
{
    private const double FullSpeed = 0.90;
    private const double MostSeconds = 5;
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(100);

    public static async Task<ScenarioResult> MeasureAsync(Bench bench, CancellationToken cancellationToken)
    {
        var store = await bench.CreateStoreAsync(cancellationToken);
        await using (await bench.StartServerAsync(store, cancellationToken))
        {
            // It creates the schema.
        }

        var keys = await LiveKeys.AddAsync(store, bench.Effort.Keys, hasDigest: true, cancellationToken);
        var restarts = Math.Max(1, bench.Effort.Rounds / 3);
        var server = new List<Climb>();
        var check = new List<Climb>();
        for (var i = 0; i < restarts; i++)
        {
            server.Add(await ClimbAsync(bench, () => bench.StartServerAsync(store, cancellationToken), "/quota", keys, cancellationToken));
            check.Add(await ClimbAsync(
                bench, () => Bench.StartLimitAsync("checked", store, cancellationToken), "/limit", keys, cancellationToken));
        }

        var memory = await MeasureMemoryAsync(bench, store, keys, cancellationToken);
        var atFullSpeed = new Series(server.Select(climb => climb.FullSpeedAt));
        return new ScenarioResult(
            [
                new Table(
                    ["after a start", "ready after s", "full speed after s", "requests/s in the first second", "requests/s later"],
                    [Row("the server's GET /quota", server), Row("the key check alone", check)]),
                new Table(
                    ["a cached key", "bytes"],
                    [["managed memory", $"{memory.Managed:N0}"], ["resident memory", $"{memory.Resident:N0}"]]),
            ],
            [
                new Goal(
                    $"A server with {keys.Count:N0} active keys, called at random, reaches 90 % of its later throughput within 5 s",
                    $"{atFullSpeed.Format("0.0")} s after its start",
                    atFullSpeed.Median <= MostSeconds),
            ]);
    }

    private static async Task<Climb> ClimbAsync(
        Bench bench, Func<Task<ServerProcess>> startAsync, string path, IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        var startedAt = Stopwatch.GetTimestamp();
        await using var server = await startAsync();
        var readyAt = Stopwatch.GetElapsedTime(startedAt);
        using var load = await LoadGenerator.ConnectAsync(server.Address, bench.Effort.Connections, cancellationToken);
        var any = Requests.Get("a good key", path, keys, 200);
        var cold = (await load.RunAsync(bench.Effort.Length * 5, any, cancellationToken)).PerSlice(Slice);

        await load.RunOnceAsync(any, cancellationToken);
        var later = await load.RunAsync(bench.Effort.Length * 2, any, cancellationToken);
        var climb = new Climb(
            readyAt.TotalSeconds, readyAt.TotalSeconds + FirstAt(cold, later.PerSecond * FullSpeed), SliceRate(cold, 0), later.PerSecond);
        await Console.Error.WriteLineAsync(
            $"  {path}: ready {climb.ReadyAt:0.00} s, full {climb.FullSpeedAt:0.00} s, "
            + $"{climb.FirstSecond:N0} then {climb.Later:N0} requests/s");
        return climb;
    }

    /// <summary>The start of the first second with the given speed; infinity if there is none.</summary>
    private static double FirstAt(int[] slices, double perSecond)
    {
        for (var i = 0; i < slices.Length; i++)
        {
            if (SliceRate(slices, i) >= perSecond)
                return (Slice * i).TotalSeconds;
        }

        return double.PositiveInfinity;
    }

    private static double SliceRate(int[] slices, int from)
    {
        var second = slices.Skip(from).Take((int)(TimeSpan.FromSeconds(1) / Slice)).ToList();
        return second.Sum() / (second.Count * Slice.TotalSeconds);
    }

    private static IReadOnlyList<string> Row(string name, List<Climb> climbs) =>
    [
        name,
        new Series(climbs.Select(climb => climb.ReadyAt)).Format("0.0"),
        new Series(climbs.Select(climb => climb.FullSpeedAt)).Format("0.0"),
        new Series(climbs.Select(climb => climb.FirstSecond)).Format("N0"),
        new Series(climbs.Select(climb => climb.Later)).Format("N0"),
    ];

    /// <summary>Two servers get every key once; only one of them caches keys.</summary>
    private static async Task<(double Managed, double Resident)> MeasureMemoryAsync(
        Bench bench, BenchStore store, IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        var with = await UseAllAsync(2 * keys.Count);
        var without = await UseAllAsync(2);
        double cached = with.Keys - without.Keys;
        return ((with.Managed - without.Managed) / cached, (with.Resident - without.Resident) / cached);

        async Task<(long Managed, long Resident, int Keys)> UseAllAsync(int capacity)
        {
            var settings = new Dictionary<string, string?>
            {
                ["PyResolve:RememberedKeys"] = capacity.ToString(CultureInfo.InvariantCulture),
            };
            await using var server = await Bench.StartLimitAsync("checked", store, cancellationToken, settings);
            using var load = await LoadGenerator.ConnectAsync(server.Address, bench.Effort.Connections, cancellationToken);
            await load.RunOnceAsync(Requests.Get("each key once", "/limit", keys, 200), cancellationToken);
            var text = await server.Http.GetStringAsync(new Uri("/memory", UriKind.Relative), cancellationToken);
            long[] figures = [.. text.Split(' ').Select(figure => long.Parse(figure, CultureInfo.InvariantCulture))];
            return (figures[0], server.ResidentBytes(), (int)figures[1]);
        }
    }

    /// <summary>Seconds since the start of the process, and requests per second.</summary>
    private sealed record Climb(double ReadyAt, double FullSpeedAt, double FirstSecond, double Later);
}
