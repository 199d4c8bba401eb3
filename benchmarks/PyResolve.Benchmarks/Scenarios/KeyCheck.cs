using PyResolve.Benchmarks.Load;
using PyResolve.Benchmarks.Measuring;
using PyResolve.Benchmarks.Reporting;
using PyResolve.Benchmarks.Servers;
using PyResolve.TestKit;

namespace PyResolve.Benchmarks.Scenarios;

/// <summary>What it costs to find a verified key good: the same endpoint with the check and without.</summary>
internal static class KeyCheck
{
    private const int Keys = 1_000;
    private const double MostOfBare = 0.10;

    public static async Task<Findings> MeasureAsync(Bench bench, CancellationToken cancellationToken)
    {
        var store = await bench.CreateStoreAsync(cancellationToken);
        await using var server = await bench.StartServerAsync(store, cancellationToken);
        var keys = await LiveKeys.AddAsync(store, Keys, hasDigest: true, cancellationToken);
        await using var bare = await Bench.StartLimitAsync("bare", store, cancellationToken);
        await using var bareAgain = await Bench.StartLimitAsync("bare", store, cancellationToken);
        await using var hosted = await Bench.StartLimitAsync("hosted", store, cancellationToken);
        await using var withCheck = await Bench.StartLimitAsync("checked", store, cancellationToken);
        await using var select = await Bench.StartLimitAsync("select", store, cancellationToken);

        var limit = Requests.Get("GET /limit", "/limit", keys, 200);
        var bareArm = await ArmAsync("bare endpoint", bare, limit);
        // What this differs from the first is what chance makes of nothing.
        var againArm = await ArmAsync("the same once more, in another process", bareAgain, limit);
        var hostedArm = await ArmAsync("the same, on the product's host", hosted, limit);
        var checkedArm = await ArmAsync("the same, on the product's host and behind the key check", withCheck, limit);

        // Apart from those with a database: what PostgreSQL still does after a turn would fall into the next one.
        Arm[] withoutStore = [bareArm, againArm, hostedArm, checkedArm];
        var check = await bench.Rounds.RunAsync(withoutStore, cancellationToken);
        // Connected only now: a server closes what says nothing for two minutes.
        var selectArm = await ArmAsync("bare endpoint and one prepared SELECT", select, limit);
        var quotaArm = await ArmAsync("the server's GET /quota", server, Requests.Get("GET /quota", "/quota", keys, 200));
        Arm[] withStore = [selectArm, quotaArm];
        var reads = await bench.Rounds.RunAsync(withStore, cancellationToken);
        // What the host does in its background, with a check or without, is not the check's.
        var cost = check.Ratio(checkedArm, hostedArm, bareArm, sample => sample.CpuMicroseconds);
        return new Findings(
            [SampleTable.Of(check, withoutStore, bareArm), SampleTable.Of(reads, withStore, selectArm)],
            [
                new Goal(
                    "The check of a verified key costs at most 10 % of a bare endpoint's CPU time a request",
                    $"{cost.Median * 100:0.0} % ({cost.Min * 100:0.0} to {cost.Max * 100:0.0})",
                    cost.Median <= MostOfBare),
            ]);

        Task<Arm> ArmAsync(string name, ServerProcess target, Requests requests) => bench.ArmAsync(name, target, requests, cancellationToken);
    }
}
