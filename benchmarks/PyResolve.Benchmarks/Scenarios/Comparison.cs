using PyResolve.Benchmarks.Load;
using PyResolve.Benchmarks.Measuring;
using PyResolve.Benchmarks.Reporting;
using PyResolve.Benchmarks.Servers;
using PyResolve.TestKit;

namespace PyResolve.Benchmarks.Scenarios;

/// <summary>
/// Whether this server has become slower than an earlier one. The earlier one runs twice: the difference between the two is chance.
/// </summary>
internal static class Comparison
{
    private const int Accounts = 500;
    private const int EmbeddedAccounts = 20;

    public static async Task<ScenarioResult> MeasureAsync(Bench bench, CancellationToken cancellationToken)
    {
        var (tables, goals) = (new List<Table>(), new List<Goal>());
        foreach (var engine in new[] { StorageEngine.Postgres, StorageEngine.Sqlite })
        {
            await using var before = await Candidate.StartAsync(bench, bench.AssemblyBefore, engine, cancellationToken);
            await using var again = await Candidate.StartAsync(bench, bench.AssemblyBefore, engine, cancellationToken);
            await using var now = await Candidate.StartAsync(bench, bench.Assembly, engine, cancellationToken);
            var rows = new List<Row>();
            foreach (var (name, requests, connections) in WorkOn(engine, bench.Effort.Connections))
                rows.Add(await CompareAsync(bench, name, requests, connections, before, again, now, cancellationToken));
            tables.Add(new Table(
                [
                    $"{engine}", "before: requests/s", "now: requests/s", "now / before", "before / before", "CPU: now / before",
                    "CPU: before / before",
                ],
                [.. rows.Select(static row => row.Cells)]));
            goals.AddRange(rows.Select(static row => row.Goal));
        }

        return new ScenarioResult(tables, goals);
    }

    private static IEnumerable<(string Name, Func<IReadOnlyList<string>, Requests> Requests, int Connections)> WorkOn(
        StorageEngine engine, int connections)
    {
        var many = connections * Work.Many;
        yield return ("GET /quota", Work.ReadQuota, connections);
        yield return ("POST /usage", static keys => Work.SendEvents(keys), connections);
        if (engine is StorageEngine.Sqlite)
            yield break;
        yield return ("GET /quota", Work.ReadQuota, many);
        yield return ("POST /usage", static keys => Work.SendEvents(keys), many);
        yield return ("POST /usage, one account", static keys => Work.SendEvents([keys[0]]), many);
        yield return ("POST /quota/reservations", static keys => Work.Reserve(keys), connections);
        yield return ("POST /quota/reservations, one account", static keys => Work.Reserve([keys[0]]), many);
        yield return ($"POST /usage/batch of {Work.BatchSize:N0}", Work.SendBatches, Work.BatchConnections);
    }

    private static async Task<Row> CompareAsync(
        Bench bench,
        string name,
        Func<IReadOnlyList<string>, Requests> requests,
        int connections,
        Candidate before,
        Candidate again,
        Candidate now,
        CancellationToken cancellationToken)
    {
        var row = $"{name}, c={connections}";
        var arms = new List<Arm>();
        foreach (var (candidate, which) in new[] { (before, "before"), (again, "before, once more"), (now, "now") })
        {
            var arm = await bench.ArmAsync(
                $"{row}: {which}", candidate.Server, requests(candidate.Keys), connections, cancellationToken);
            // Else each store has its first statistics, and with them better plans, at a moment of autovacuum's choice.
            await arm.SendAsync(bench.Effort.Length, cancellationToken);
            await candidate.AnalyzeAsync(cancellationToken);
            arms.Add(arm);
        }

        var samples = await bench.Rounds.RunAsync(arms, cancellationToken, PairedRounds.LongTurn);
        return new Row(row, samples, arms[0], arms[1], arms[2]);
    }

    private sealed record Row(string Name, PairedSamples Samples, Arm Before, Arm Again, Arm Now)
    {
        private Series Speed => Samples.Ratio(Now, Before, PerSecond);

        private Series Chance => Samples.Ratio(Again, Before, PerSecond);

        public IReadOnlyList<string> Cells =>
        [
            Name,
            Samples.Of(Before, PerSecond).Format("N0"),
            Samples.Of(Now, PerSecond).Format("N0"),
            Speed.Format("0.00"),
            Chance.Format("0.00"),
            Samples.Ratio(Now, Before, Cpu).Format("0.00"),
            Samples.Ratio(Again, Before, Cpu).Format("0.00"),
        ];

        /// <summary>Chance alone made a round this much slower.</summary>
        public Goal Goal => new(
            $"{Name}: no slower than before by more than chance ({Chance.Min:0.00} at worst)",
            $"{Speed.Format("0.00")} times",
            Speed.Median >= Math.Min(1, Chance.Min));

        private static double PerSecond(Sample sample) => sample.PerSecond;

        private static double Cpu(Sample sample) => sample.CpuMicroseconds;
    }

    /// <summary>A server on a store of its own, and keys of accounts there.</summary>
    private sealed record Candidate(ServerProcess Server, BenchStore? Store, IReadOnlyList<string> Keys) : IAsyncDisposable
    {
        public static async Task<Candidate> StartAsync(
            Bench bench, string assembly, StorageEngine engine, CancellationToken cancellationToken)
        {
            if (engine is StorageEngine.Sqlite)
            {
                var embedded = await ServerProcess.StartProgramAsync(assembly, cancellationToken: cancellationToken);
                return new Candidate(embedded, Store: null, await SignUpAsync(embedded, Math.Min(EmbeddedAccounts, bench.Effort.Keys)));
            }

            var store = await bench.CreateStoreAsync(cancellationToken);
            var server = await ServerProcess.StartProgramAsync(
                assembly, new Dictionary<string, string?>(store.Settings.Concat(Work.NeverUsedUp)), cancellationToken);
            var keys = await LiveKeys.AddAsync(store, Math.Min(Accounts, bench.Effort.Keys), hasDigest: true, cancellationToken);
            await store.ExecuteAsync("update profiles set plan = 'pro'", cancellationToken);
            return new Candidate(server, store, keys);
        }

        public Task AnalyzeAsync(CancellationToken cancellationToken) =>
            Store?.ExecuteAsync("analyze", cancellationToken) ?? Task.CompletedTask;

        public ValueTask DisposeAsync() => Server.DisposeAsync();

        private static async Task<IReadOnlyList<string>> SignUpAsync(ServerProcess server, int count)
        {
            var keys = new List<string>();
            while (keys.Count < count)
                keys.Add((await TestAccount.SignUpAsync(server.Http)).ApiKey);
            return keys;
        }
    }
}
