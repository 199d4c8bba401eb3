using PyResolve.Benchmarks.Load;
using PyResolve.Benchmarks.Measuring;
using PyResolve.Benchmarks.Reporting;
using PyResolve.Benchmarks.Servers;
using PyResolve.TestKit;

namespace PyResolve.Benchmarks.Scenarios;

/// <summary>The cost of wrong keys: whether they reveal a valid prefix, and what they leave for valid keys.</summary>
internal static class Flood
{
    private const int GoodKeys = 1_000;
    private const int WrongKeys = 10_000;
    private const int FloodConnections = 8;
    private const int PacedConnections = 32;
    private const int WrongKeysPerSecond = 1_000;
    private const double LeastKept = 0.70;
    private const double LeastCarried = 0.95 * WrongKeysPerSecond;
    private const double MostDifference = 0.10;

    public static async Task<ScenarioResult> MeasureAsync(Bench bench, CancellationToken cancellationToken)
    {
        var store = await bench.CreateStoreAsync(cancellationToken);
        await using var server = await bench.StartServerAsync(store, cancellationToken);
        var goodKeys = await LiveKeys.AddAsync(store, GoodKeys, hasDigest: true, cancellationToken);
        var madeBySql = await LiveKeys.AddAsync(store, 1, hasDigest: false, cancellationToken);

        var unknown = Wrong("on an unknown prefix", LiveKeys.Draw(), 401);
        var known = Wrong("on a valid prefix", goodKeys[0], 401);
        // Some attempts are free; then the server answers that it must wait.
        var knownBySql = Wrong("on the prefix of a key made by SQL", madeBySql[0], 401, 429);

        var (oracle, timing) = await CompareTimesAsync(bench, server, [unknown, known, knownBySql], cancellationToken);
        var (throughput, kept) = await CompareThroughputAsync(bench, server, Good(goodKeys), known, cancellationToken);
        return new ScenarioResult([oracle, throughput], [.. timing, kept]);
    }

    private static async Task<(Table Table, IEnumerable<Goal> Goals)> CompareTimesAsync(
        Bench bench, ServerProcess server, Requests[] kinds, CancellationToken cancellationToken)
    {
        var load = await bench.ConnectAsync(server, FloodConnections, cancellationToken);
        Arm[] arms = [.. kinds.Select(kind => new Arm(
            $"wrong secrets {kind.Name}", server, (length, cancellation) => load.RunAsync(length, kind, cancellation)))];
        var samples = await bench.Rounds.RunAsync(arms, cancellationToken);

        // In turn on each connection, so that only the prefix differs.
        var ratios = kinds.ToDictionary(kind => kind, _ => new List<double>());
        for (var round = 0; round < bench.Effort.Rounds; round++)
        {
            var answers = await load.RunAsync(bench.Effort.Length, kinds, cancellationToken);
            double[] medians = [.. answers.Select(one => new Series(one.Milliseconds).Median)];
            for (var i = 0; i < kinds.Length; i++)
                ratios[kinds[i]].Add(medians[i] / medians[0]);
        }

        var goals = kinds.Skip(1).Select(kind =>
        {
            var mixed = new Series(ratios[kind]);
            var sent = samples[arms[Array.IndexOf(kinds, kind)]].Sum(sample => sample.Requests);
            return new Goal(
                $"Wrong secrets {kind.Name} take as long as on an unknown one, within 10 % in medians "
                + $"({sent:N0} sent, and as many again in turn with the others)",
                $"{mixed.Format("0.00")} times as long",
                Math.Abs(mixed.Median - 1) <= MostDifference);
        });
        return (SampleTable.Of(samples, arms, arms[0]), goals);
    }

    private static async Task<(Table Table, Goal Goal)> CompareThroughputAsync(
        Bench bench, ServerProcess server, Requests good, Requests wrong, CancellationToken cancellationToken)
    {
        var goodLoad = await bench.ConnectAsync(server, bench.Effort.Connections, cancellationToken);
        var wrongLoad = await bench.ConnectAsync(server, FloodConnections, cancellationToken);
        // Enough connections for the pace, although each waits for its answers.
        var pacedLoad = await bench.ConnectAsync(server, PacedConnections, cancellationToken);
        var alone = new Arm("good keys alone", server, SendGoodAsync);
        var paced = new Arm(
            $"beside {WrongKeysPerSecond:N0} wrong keys a second",
            server,
            async (length, cancellation) =>
            {
                var answers = SendGoodAsync(length, cancellation);
                var flood = await pacedLoad.RunPacedAsync(WrongKeysPerSecond, answers, wrong, cancellation);
                return (await answers).With(flood);
            });
        var unbounded = new Arm(
            $"beside as many wrong keys as {FloodConnections} connections carry",
            server,
            async (length, cancellation) =>
            {
                var flood = wrongLoad.RunAsync(length, wrong, cancellation);
                var answers = await SendGoodAsync(length, cancellation);
                return answers.With(await flood);
            });
        Arm[] arms = [alone, paced, unbounded];
        var samples = await bench.Rounds.RunAsync(arms, cancellationToken);

        var carried = samples.Of(paced, sample => sample.BesidePerSecond);
        var kept = samples.Ratio(paced, alone, sample => sample.PerSecond);
        var table = new Table(
            ["GET /quota", "requests/s", "median ms", "99 % ms", "wrong keys/s carried", "throughput kept"],
            [.. arms.Select(arm => (IReadOnlyList<string>)
            [
                arm.Name,
                samples.Of(arm, sample => sample.PerSecond).Format("N0"),
                samples.Of(arm, sample => sample.MedianMilliseconds).Format("N2"),
                samples.Of(arm, sample => sample.TailMilliseconds).Format("N1"),
                arm == alone ? "0" : samples.Of(arm, sample => sample.BesidePerSecond).Format("N0"),
                arm == alone ? "1" : samples.Ratio(arm, alone, sample => sample.PerSecond).Format("0.00"),
            ])]);
        return (table, new Goal(
            $"Good keys keep at least 70 % of their throughput beside {WrongKeysPerSecond:N0} wrong keys a second on a valid prefix",
            $"{kept.Median * 100:0} % ({kept.Min * 100:0} to {kept.Max * 100:0}), while {carried.Format("N0")} a second were carried",
            kept.Median >= LeastKept && carried.Median >= LeastCarried));

        Task<Answers> SendGoodAsync(TimeSpan length, CancellationToken cancellation) => goodLoad.RunAsync(length, good, cancellation);
    }

    private static Requests Good(IEnumerable<string> keys) => Requests.Get("a good key", "/quota", keys, 200);

    private static Requests Wrong(string name, string prefixOf, params int[] statuses) =>
        Requests.Get(name, "/quota", LiveKeys.WrongSecretsOn(prefixOf, WrongKeys), statuses);
}
