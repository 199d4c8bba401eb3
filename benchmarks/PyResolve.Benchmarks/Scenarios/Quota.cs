using PyResolve.Benchmarks.Load;
using PyResolve.Benchmarks.Measuring;
using PyResolve.Benchmarks.Reporting;
using PyResolve.Benchmarks.Servers;
using PyResolve.Server.Ledger;
using PyResolve.TestKit;

namespace PyResolve.Benchmarks.Scenarios;

/// <summary>The cost of reading a quota, with many events too, and of reserving units on one busy account.</summary>
internal static class Quota
{
    private const int Accounts = 500;

    private const int FewEvents = 100;
    private const int EventsAKey = 10;
    private const double MostDifference = 0.10;

    public static async Task<ScenarioResult> MeasureAsync(Bench bench, CancellationToken cancellationToken)
    {
        var store = await bench.CreateStoreAsync(cancellationToken);
        await using var server = await bench.StartServerAsync(store, cancellationToken, Work.NeverUsedUp);
        var keys = await LiveKeys.AddAsync(store, Math.Min(Accounts, bench.Effort.Keys), hasDigest: true, cancellationToken);
        await store.ExecuteAsync("update profiles set plan = 'pro'", cancellationToken);

        var (reads, readGoals) = await CompareReadsAsync(bench, server, store, keys, cancellationToken);
        var (events, eventsGoal) = await CompareEventsAsync(bench, server, store, keys, cancellationToken);
        var (reservations, reservationsGoal) = await CompareReservationsAsync(bench, server, store, keys[0], cancellationToken);
        return new ScenarioResult([.. reads, events, reservations], [.. readGoals, eventsGoal, reservationsGoal]);
    }

    private static async Task<(IEnumerable<Table> Tables, IEnumerable<Goal> Goals)> CompareReadsAsync(
        Bench bench, ServerProcess server, BenchStore store, IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        await using var limit = await Bench.StartLimitAsync("select", store, cancellationToken);
        var (tables, goals) = (new List<Table>(), new List<Goal>());
        (int Connections, double Goal, TimeSpan? Turn)[] cases =
            [(bench.Effort.Connections, 1.0, null), (bench.Effort.Connections * Work.Many, 1.5, PairedRounds.LongTurn)];
        foreach (var (connections, goal, turn) in cases)
        {
            var limitArm = await bench.ArmAsync(
                $"one prepared SELECT a request, c={connections}",
                limit,
                Requests.Get("GET /limit", "/limit"),
                connections,
                cancellationToken);
            var serverArm = await bench.ArmAsync(
                $"the server's GET /quota, c={connections}", server, Work.ReadQuota(keys), connections, cancellationToken);
            var samples = await bench.Rounds.RunAsync([limitArm, serverArm], cancellationToken, turn);
            tables.Add(SampleTable.Of(samples, [limitArm, serverArm], limitArm));
            goals.Add(Goal.AtLeast(
                goal,
                samples.Ratio(serverArm, limitArm, sample => sample.PerSecond),
                $"GET /quota, {connections} connections: {goal} times one prepared SELECT a request"));
        }

        return (tables, goals);
    }

    private static async Task<(Table Table, Goal Goal)> CompareEventsAsync(
        Bench bench, ServerProcess server, BenchStore store, IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        var many = bench.Effort.Keys * EventsAKey;
        await AddEventsAsync(store, keys[0], FewEvents, cancellationToken);
        await AddEventsAsync(store, keys[1], many, cancellationToken);
        var fewArm = await bench.ArmAsync(
            $"GET /quota, {FewEvents:N0} events in the month", server, Work.ReadQuota([keys[0]]), cancellationToken);
        var manyArm = await bench.ArmAsync(
            $"GET /quota, {many:N0} events in the month", server, Work.ReadQuota([keys[1]]), cancellationToken);
        var samples = await bench.Rounds.RunAsync([fewArm, manyArm], cancellationToken);
        var ratio = samples.Ratio(manyArm, fewArm, sample => sample.PerSecond);
        return (
            SampleTable.Of(samples, [fewArm, manyArm], fewArm),
            new Goal(
                $"GET /quota with {many:N0} events in the month against {FewEvents:N0}: within 10 %",
                $"{ratio.Format("0.00")} times",
                Math.Abs(ratio.Median - 1) <= MostDifference));
    }

    private static async Task<(Table Table, Goal Goal)> CompareReservationsAsync(
        Bench bench, ServerProcess server, BenchStore store, string key, CancellationToken cancellationToken)
    {
        await using var limit = await Bench.StartLimitAsync("reserve", store, cancellationToken);
        var connections = bench.Effort.Connections * Work.Many;
        var limitArm = await bench.ArmAsync(
            $"one conditional UPDATE a request, one row, c={connections}",
            limit,
            Work.Reserve([key], "/limit"),
            connections,
            cancellationToken);
        var serverArm = await bench.ArmAsync(
            $"the server's POST /quota/reservations, one account, c={connections}",
            server,
            Work.Reserve([key]),
            connections,
            cancellationToken);
        var samples = await bench.Rounds.RunAsync([limitArm, serverArm], cancellationToken, PairedRounds.LongTurn);
        return (
            SampleTable.Of(samples, [limitArm, serverArm], limitArm),
            Goal.AtLeast(
                20,
                samples.Ratio(serverArm, limitArm, sample => sample.PerSecond),
                $"Reservations on one busy account, {connections} connections: 20 times one conditional UPDATE a request"));
    }

    /// <summary>Events of this month, with their rollup.</summary>
    private static Task AddEventsAsync(BenchStore store, string key, int count, CancellationToken cancellationToken) => store.ExecuteAsync(
        $"""
        insert into usage_events (user_id, id, event_type, tier)
        select user_id, gen_random_uuid(), 'migration', 'tier1'
        from api_keys, generate_series(1, {count})
        where key_prefix = '{key[..LiveKeys.PrefixLength]}';
        insert into usage_monthly (user_id, month, migrations, tier1_migrations)
        select user_id, month, count(*), count(*)
        from usage_events
        where user_id = (select user_id from api_keys where key_prefix = '{key[..LiveKeys.PrefixLength]}')
        group by user_id, month
        on conflict (user_id, month) do update set migrations = excluded.migrations, tier1_migrations = excluded.tier1_migrations;
        """,
        cancellationToken);
}
