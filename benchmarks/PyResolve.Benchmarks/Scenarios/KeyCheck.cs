using PyResolve.Benchmarks.Load;
using PyResolve.Benchmarks.Measuring;
using PyResolve.Benchmarks.Reporting;
using PyResolve.Benchmarks.Servers;
using PyResolve.TestKit;

namespace PyResolve.Benchmarks.Scenarios;

/// <summary>The cost of the check of a verified key: the same endpoint with the check and without it.</summary>
internal static class KeyCheck
{
    private const int Keys = 1_000;
    private const double MostOfBare = 0.10;

    public static async Task<ScenarioResult> MeasureAsync(Bench bench, CancellationToken cancellationToken)
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
        // The difference between this one and the first is noise.
        var againArm = await ArmAsync("the same once more, in another process", bareAgain, limit);
        var hostedArm = await ArmAsync("the same, on the product's host", hosted, limit);
        var checkedArm = await ArmAsync("the same, on the product's host and behind the key check", withCheck, limit);

        // Separate from the arms with a database: PostgreSQL works on after a turn, which would affect the next one.
        Arm[] withoutStore = [bareArm, againArm, hostedArm, checkedArm];
        var check = await bench.Rounds.RunAsync(withoutStore, cancellationToken);
        // Connected only now: a server closes connections that are idle for two minutes.
        var selectArm = await ArmAsync("bare endpoint and one prepared SELECT", select, limit);
        var quotaArm = await ArmAsync("the server's GET /quota", server, Requests.Get("GET /quota", "/quota", keys, 200));
        Arm[] withStore = [selectArm, quotaArm];
        var reads = await bench.Rounds.RunAsync(withStore, cancellationToken);
        // The host's background work costs the same with the check and without it.
        var cost = check.Ratio(checkedArm, hostedArm, bareArm, sample => sample.CpuMicroseconds);
        return new ScenarioResult(
            [SampleTable.Of(check, withoutStore, bareArm), SampleTable.Of(reads, withStore, selectArm)],
            [
                new Goal(
                    "The check of a verified key costs at most 10 % of a bare endpoint's CPU time a request",
                    $"{cost.Median * 100:0.0} % ({cost.Min * 100:0.0} to {cost.Max * 100:0.0})",
                    cost.Median <= MostOfBare),
            ]);

        Task<Arm> ArmAsync(string name, ServerProcess target, Requests requests) =>
            bench.ArmAsync(name, target, requests, cancellationToken);
    }
}
