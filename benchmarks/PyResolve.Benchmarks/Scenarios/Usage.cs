using PyResolve.Benchmarks.Load;
using PyResolve.Benchmarks.Measuring;
using PyResolve.Benchmarks.Reporting;
using PyResolve.Benchmarks.Servers;
using PyResolve.TestKit;

namespace PyResolve.Benchmarks.Scenarios;

/// <summary>The cost of recording usage durably: single events against one commit per request, batches against COPY.</summary>
internal static class Usage
{
    private const int Accounts = 500;
    private const int EmbeddedAccounts = 20;
    private const int RowsACopy = 10_000;

    public static async Task<ScenarioResult> MeasureAsync(Bench bench, CancellationToken cancellationToken)
    {
        var store = await bench.CreateStoreAsync(cancellationToken);
        await using var server = await bench.StartServerAsync(store, cancellationToken);
        var keys = await LiveKeys.AddAsync(store, Math.Min(Accounts, bench.Effort.Keys), hasDigest: true, cancellationToken);
        await using var limit = await Bench.StartLimitAsync("usage", store, cancellationToken);

        var (few, fewGoals) = await CompareSinglesAsync(bench, server, limit, keys, cancellationToken);
        var (many, manyGoals) = await CompareManyAsync(bench, server, limit, keys, cancellationToken);
        var (batches, batchGoal) = await CompareBatchesAsync(bench, server, store, keys, cancellationToken);
        var (embedded, embeddedGoal) = await CompareEmbeddedAsync(bench, cancellationToken);
        return new ScenarioResult([few, many, batches, embedded], [fewGoals, .. manyGoals, batchGoal, embeddedGoal]);
    }

    private static async Task<(Table Table, Goal Goal)> CompareSinglesAsync(
        Bench bench, ServerProcess server, ServerProcess limit, IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        var connections = bench.Effort.Connections;
        var limitArm = await bench.ArmAsync(
            $"one commit a request, c={connections}", limit, Work.SendEvents(keys, "/limit"), connections, cancellationToken);
        var serverArm = await bench.ArmAsync(
            $"the server's POST /usage, c={connections}", server, Work.SendEvents(keys), connections, cancellationToken);
        var samples = await bench.Rounds.RunAsync([limitArm, serverArm], cancellationToken);
        return (
            SampleTable.Of(samples, [limitArm, serverArm], limitArm),
            Goal.AtLeast(
                1.5,
                samples.Ratio(serverArm, limitArm, sample => sample.PerSecond),
                $"POST /usage, {connections} connections, {keys.Count} accounts: 1.5 times one INSERT and rollup commit a request"));
    }

    private static async Task<(Table Table, IEnumerable<Goal> Goals)> CompareManyAsync(
        Bench bench, ServerProcess server, ServerProcess limit, IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        var connections = bench.Effort.Connections * Work.Many;
        var limitArm = await bench.ArmAsync(
            $"one commit a request, c={connections}", limit, Work.SendEvents(keys, "/limit"), connections, cancellationToken);
        var serverArm = await bench.ArmAsync(
            $"the server's POST /usage, c={connections}", server, Work.SendEvents(keys), connections, cancellationToken);
        var busyArm = await bench.ArmAsync(
            $"the server's POST /usage, c={connections}, one account", server, Work.SendEvents([keys[0]]), connections, cancellationToken);
        Arm[] arms = [limitArm, serverArm, busyArm];
        var samples = await bench.Rounds.RunAsync(arms, cancellationToken, PairedRounds.LongTurn);
        return (
            SampleTable.Of(samples, arms, limitArm),
            [
                Goal.AtLeast(
                    3,
                    samples.Ratio(serverArm, limitArm, sample => sample.PerSecond),
                    $"POST /usage, {connections} connections, {keys.Count} accounts: 3 times one INSERT and rollup commit a request"),
                Goal.AtLeast(
                    0.8,
                    samples.Ratio(busyArm, serverArm, sample => sample.PerSecond),
                    $"POST /usage on one busy account, {connections} connections: 0.8 of the figure with {keys.Count} accounts"),
            ]);
    }

    private static async Task<(Table Table, Goal Goal)> CompareBatchesAsync(
        Bench bench, ServerProcess server, BenchStore store, IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        await using var copy = await Bench.StartLimitAsync("copy", store, cancellationToken);
        var copyLoad = await bench.ConnectAsync(copy, 1, cancellationToken);
        var copying = Requests.Get("COPY", "/limit");
        var copyArm = new Arm("binary COPY into the same table, one connection", copy, (length, cancellation) => copyLoad.RunAsync(
            length, copying, cancellation));
        var batchLoad = await bench.ConnectAsync(server, Work.BatchConnections, cancellationToken);
        var sending = Work.SendBatches(keys);
        var batchArm = new Arm(
            $"the server's POST /usage/batch of {Work.BatchSize:N0}, c={Work.BatchConnections}",
            server,
            (length, cancellation) => batchLoad.RunAsync(length, sending, cancellation));
        var samples = await bench.Rounds.RunAsync([copyArm, batchArm], cancellationToken, PairedRounds.LongTurn);

        var ratio = new Series(
            samples[batchArm].Zip(samples[copyArm], (batch, rows) => batch.PerSecond * Work.BatchSize / (rows.PerSecond * RowsACopy)));
        return (
            new Table(
                ["", "rows/s", "server CPU µs/row"],
                [
                    Row(copyArm, RowsACopy),
                    Row(batchArm, Work.BatchSize),
                ]),
            Goal.AtLeast(
                0.6,
                ratio,
                $"POST /usage/batch of {Work.BatchSize:N0}, {Work.BatchConnections} connections: 0.6 of COPY's rows a second"));

        string[] Row(Arm arm, int rows) =>
        [
            arm.Name,
            samples.Of(arm, sample => sample.PerSecond * rows).Format("N0"),
            samples.Of(arm, sample => sample.CpuMicroseconds / rows).Format("N1"),
        ];
    }

    /// <summary>On the embedded engine: each with an empty database and the same few accounts.</summary>
    private static async Task<(Table Table, Goal Goal)> CompareEmbeddedAsync(Bench bench, CancellationToken cancellationToken)
    {
        await using var server = await bench.StartEmbeddedServerAsync(cancellationToken);
        var keys = new List<string>();
        for (var i = 0; i < Math.Min(EmbeddedAccounts, bench.Effort.Keys); i++)
            keys.Add((await TestAccount.SignUpAsync(server.Http)).ApiKey);
        await using var limit = await Bench.StartEmbeddedLimitAsync(cancellationToken);

        var connections = bench.Effort.Connections;
        var limitArm = await bench.ArmAsync(
            $"SQLite, one commit a request, c={connections}", limit, Work.SendEvents(keys, "/limit"), connections, cancellationToken);
        var serverArm = await bench.ArmAsync(
            $"SQLite, the server's POST /usage, c={connections}", server, Work.SendEvents(keys), connections, cancellationToken);
        var samples = await bench.Rounds.RunAsync([limitArm, serverArm], cancellationToken);
        return (
            SampleTable.Of(samples, [limitArm, serverArm], limitArm),
            Goal.AtLeast(
                2,
                samples.Ratio(serverArm, limitArm, sample => sample.PerSecond),
                $"SQLite, synchronous FULL, POST /usage, {connections} connections: 2 times one commit a request"));
    }
}
