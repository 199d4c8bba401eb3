using PyResolve.Benchmarks.Load;
using PyResolve.Benchmarks.Reporting;
using PyResolve.Benchmarks.Servers;
using PyResolve.TestKit;

namespace PyResolve.Benchmarks.Scenarios;

/// <summary>The memory of the server's process: idle, and under full load for a long time.</summary>
internal static class Memory
{
    private const int Accounts = 500;
    private const int Slices = 10;
    private const double MostIdle = 120e6;
    private const double MostGrowth = 1.10;

    private const string Event =
        $$"""
        {"event_type":"migration","library":"pydantic","tier":"tier1","tokens_used":1200,"metadata":{"model":"m"},"id":"{{Message.NewId}}"}
        """;

    private static readonly string Batch = $$"""{"events":[{{string.Join(',', Enumerable.Repeat(Event, 1_000))}}]}""";

    public static async Task<ScenarioResult> MeasureAsync(Bench bench, CancellationToken cancellationToken)
    {
        var store = await bench.CreateStoreAsync(cancellationToken);
        await using var server = await bench.StartServerAsync(store, cancellationToken);
        var keys = await LiveKeys.AddAsync(store, Math.Min(Accounts, bench.Effort.Keys), hasDigest: true, cancellationToken);
        // Its background work has started, and there was no request yet.
        await Task.Delay(bench.Effort.Length, cancellationToken);
        var idle = server.ResidentBytes();

        var singles = await bench.ConnectAsync(server, bench.Effort.Connections, cancellationToken);
        var batches = await bench.ConnectAsync(server, 2, cancellationToken);
        var single = Requests.Post("POST /usage", "/usage", keys, Event);
        var batch = Requests.Post("POST /usage/batch", "/usage/batch", keys, Batch);
        var slices = new List<(long Requests, long Resident)>();
        for (var i = 0; i < Slices; i++)
        {
            var slice = bench.Effort.Endurance / Slices;
            var answers = await Task.WhenAll(
                singles.RunAsync(slice, single, cancellationToken), batches.RunAsync(slice, batch, cancellationToken));
            slices.Add((answers.Sum(one => one.Count), server.ResidentBytes()));
            await Console.Error.WriteLineAsync($"  slice {i + 1} of {Slices}: {slices[^1].Resident / 1e6:N0} MB");
        }

        // During the first slices code is compiled and pools grow.
        var settled = slices.Skip(Slices / 5).Take(Slices * 2 / 5).Max(slice => slice.Resident);
        var last = slices.Skip(Slices * 3 / 5).Max(slice => slice.Resident);
        return new ScenarioResult(
            [
                new Table(
                    ["time at full load", "requests so far", "resident MB"],
                    [
                        ["none: idle", "0", $"{idle / 1e6:N0}"],
                        .. slices.Select((slice, i) => (string[])
                        [
                            $"{bench.Effort.Endurance.TotalMinutes * (i + 1) / Slices:0.##} min",
                            $"{slices.Take(i + 1).Sum(one => one.Requests):N0}",
                            $"{slice.Resident / 1e6:N0}",
                        ]),
                    ]),
            ],
            [
                new Goal("An idle server takes at most 120 MB", $"{idle / 1e6:N0} MB", idle <= MostIdle),
                new Goal(
                    $"Memory stays constant over {bench.Effort.Endurance.TotalMinutes:0.##} minutes of full load: the last two fifths "
                    + "within 10 % of the two before",
                    $"{(double)last / settled:0.00} times",
                    last <= settled * MostGrowth),
            ]);
    }
}
