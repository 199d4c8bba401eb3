using Npgsql;
using PyResolve.Server.Tests.Usage;

namespace PyResolve.Server.Tests.Citus;

/// <summary>A Citus of its own with a server under load, for a test that lets the first worker fail.</summary>
internal sealed class WorkerOutage : IAsyncDisposable
{
    private const int MostHealthy = 20;

    private readonly CitusCluster _citus;
    private readonly TestStore _store;
    private readonly ServerProcess _server;
    private readonly IReadOnlyList<TestAccount> _stranded;
    private readonly CancellationToken _cancellation;

    private WorkerOutage(
        CitusCluster citus, TestStore store, ServerProcess server, SessionCount sessions,
        IReadOnlyList<TestAccount> healthy, IReadOnlyList<TestAccount> stranded, TimeSpan interval, CancellationToken cancellation)
    {
        (_citus, _store, _server, Sessions, _stranded, _cancellation) = (citus, store, server, sessions, stranded, cancellation);
        (Healthy, Stranded) = (SteadyTraffic.Start(healthy), SteadyTraffic.Start(stranded, interval));
    }

    public PostgresServer Worker => _citus.Workers[0];

    /// <summary>Of the coordinator.</summary>
    public SessionCount Sessions { get; }

    /// <summary>The accounts on the other worker.</summary>
    public SteadyTraffic Healthy { get; }

    /// <summary>The accounts on the one that fails.</summary>
    public SteadyTraffic Stranded { get; }

    public int Acknowledged => Healthy.Acknowledged.Count + Stranded.Acknowledged.Count;

    public TimeSpan ServedAgainAfter { get; private set; }

    /// <param name="maxConnections">Of each node.</param>
    /// <param name="accounts">Of which about half are on the worker that fails.</param>
    /// <param name="interval">Those begin one after another, each so long after the last one.</param>
    /// <param name="cancellationToken">Abandons the start.</param>
    public static async Task<WorkerOutage> StartAsync(
        int maxConnections, int accounts, TimeSpan interval, CancellationToken cancellationToken)
    {
        var citus = await CitusCluster.StartAsync(durable: true, cancellationToken, maxConnections);
        var store = await TestStore.OnCitusAsync(citus, cancellationToken);
        var server = await ServerProcess.StartAsync(store.Settings, cancellationToken);
        var (healthy, stranded) = await CitusAccounts.SplitAsync(citus, store, server, accounts);
        // All connections of the server have been used for both workers.
        await Task.WhenAll(healthy.Concat(stranded).Select(static account => account.ReportScanAsync()));
        var sessions = await SessionCount.StartAsync(citus.Coordinator, cancellationToken);
        var outage = new WorkerOutage(
            citus, store, server, sessions, [.. healthy.Take(MostHealthy)], stranded, interval, cancellationToken);
        await Task.Delay(TimeSpan.FromSeconds(3), cancellationToken);
        return outage;
    }

    /// <summary>After the worker is back: its accounts are served again, and nothing was lost or counted twice.</summary>
    public async Task EndAsync()
    {
        ServedAgainAfter = await CitusAccounts.AreServedAgainAsync(_stranded, _cancellation);
        await Task.WhenAll(Healthy.StopAsync(), Stranded.StopAsync());
        TestContext.Current.TestOutputHelper?.WriteLine($"sessions {Sessions.Course}; healthy {Healthy}; stranded {Stranded}");
        // Those of this process lead to a worker that hung.
        NpgsqlConnection.ClearAllPools();
        var stored = ((string)(await _store.ReadSqlAsync("select string_agg(cast(id as text), ',') from usage_events"))!)
            .Split(',').Select(id => Guid.ParseExact(id, "D")).ToList();
        stored.ShouldBeUnique();
        Healthy.Acknowledged.Concat(Stranded.Acknowledged).Except(stored).ShouldBeEmpty();
        (await _store.CountDifferencesAsync()).ShouldBe(0);
        _server.Log.Split('\n').Where(static line => line.Contains(" fail: ")).ShouldBeEmpty();
    }

    public async ValueTask DisposeAsync()
    {
        await Sessions.DisposeAsync();
        await _server.DisposeAsync();
        await _store.DisposeAsync();
        await _citus.DisposeAsync();
    }
}
