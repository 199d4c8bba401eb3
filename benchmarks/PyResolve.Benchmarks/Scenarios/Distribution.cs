using PyResolve.Benchmarks.Load;
using PyResolve.Benchmarks.Measuring;
using PyResolve.Benchmarks.Reporting;
using PyResolve.Benchmarks.Servers;
using PyResolve.TestKit;

namespace PyResolve.Benchmarks.Scenarios;

/// <summary>
/// What a single usage event costs the databases on Citus, against one PostgreSQL. All of them share this machine's cores, so the CPU time
/// is what counts.
/// </summary>
internal static class Distribution
{
    private const int Accounts = 500;
    private const int Few = 64;
    private const int Many = 512;
    private const double MostTimes = 8;
    private const string Event = $$"""{"event_type":"migration","library":"pydantic","tier":"tier2","id":"{{Message.NewId}}"}""";

    private static readonly int[] Shards = [8, 32];

    public static async Task<ScenarioResult> MeasureAsync(Bench bench, CancellationToken cancellationToken)
    {
        await using var citus = await CitusCluster.StartAsync(durable: true, cancellationToken);
        var servers = new List<ServerProcess>();
        try
        {
            var rows = new List<Row>();
            var plain = TestStore.On((await bench.CreateStoreAsync(cancellationToken)).ConnectionString);
            rows.AddRange(await AddAsync("one PostgreSQL", plain, [bench.Postgres]));
            foreach (var shards in Shards)
            {
                var distributed = await TestStore.OnCitusAsync(citus, cancellationToken, shards);
                rows.AddRange(await AddAsync($"Citus, {shards} shards", distributed, [citus.Coordinator, .. citus.Workers]));
            }

            await MeasureAsync(bench.Effort, rows, cancellationToken);
            return Result(rows);
        }
        finally
        {
            foreach (var server in servers)
                await server.DisposeAsync();
        }

        async Task<IEnumerable<Row>> AddAsync(string name, TestStore store, IReadOnlyList<PostgresServer> databases)
        {
            var server = await bench.StartServerAsync(store, cancellationToken);
            servers.Add(server);
            var keys = await LiveKeys.AddAsync(new BenchStore(store.ConnectionString), Accounts, hasDigest: true, cancellationToken);
            var requests = Requests.Post("POST /usage", "/usage", keys, Event);
            return
            [
                new Row($"{name}, c={Few}", await bench.ConnectAsync(server, Few, cancellationToken), requests, server, databases),
                new Row($"{name}, c={Many}", await bench.ConnectAsync(server, Many, cancellationToken), requests, server, databases),
            ];
        }
    }

    private static async Task MeasureAsync(Effort effort, IReadOnlyList<Row> rows, CancellationToken cancellationToken)
    {
        foreach (var row in rows)
            await row.Load.RunAsync(effort.Length * 3, row.Requests, cancellationToken);
        for (var round = 0; round < effort.Rounds; round++)
        {
            foreach (var row in round % 2 == 0 ? rows : rows.Reverse())
                await row.MeasureAsync(effort.Length, cancellationToken);
        }
    }

    private static ScenarioResult Result(IReadOnlyList<Row> rows)
    {
        var (one, distributed) = (rows[1], rows[3]);
        var times = new Series(distributed.Databases.Zip(one.Databases, static (citus, plain) => citus / plain));
        return new ScenarioResult(
            [
                new Table(
                    ["", "events/s", "CPU of the databases, µs/event", "of which the coordinator", "CPU of the server, µs/event"],
                    [.. rows.Select(static row => row.Cells)]),
            ],
            [
                new Goal(
                    $"{distributed.Name}: an event costs the databases at most {MostTimes} times what it costs one PostgreSQL",
                    $"{times.Format("0.0")} times",
                    times.Median <= MostTimes),
            ]);
    }

    private sealed record Row(
        string Name, LoadGenerator Load, Requests Requests, ServerProcess Server, IReadOnlyList<PostgresServer> Nodes)
    {
        private readonly List<double> _perSecond = [];
        private readonly List<double> _first = [];
        private readonly List<double> _server = [];

        /// <summary>Microseconds for each event, in each round.</summary>
        public List<double> Databases { get; } = [];

        public IReadOnlyList<string> Cells =>
        [
            Name,
            new Series(_perSecond).Format("N0"),
            new Series(Databases).Format("N0"),
            Nodes.Count > 1 ? new Series(_first).Format("N0") : "",
            new Series(_server).Format("N0"),
        ];

        public async Task MeasureAsync(TimeSpan length, CancellationToken cancellationToken)
        {
            var before = Cpu();
            var answers = await Load.RunAsync(length, Requests, cancellationToken);
            var spent = Cpu().Zip(before, (after, then) => (after - then).TotalMicroseconds / answers.Count).ToList();
            _perSecond.Add(answers.PerSecond);
            _server.Add(spent[0]);
            _first.Add(spent[1]);
            Databases.Add(spent.Skip(1).Sum());
        }

        private List<TimeSpan> Cpu() => [Server.CpuTime(), .. Nodes.Select(static node => node.CpuTime())];
    }
}
