using Npgsql;

namespace PyResolve.TestKit;

/// <summary>
/// A Citus for tests: the one whose coordinator <c>PYRESOLVE_TEST_CITUS</c> names, or a coordinator and two workers of the test's own.
/// Thread-safe, but only one test may use nodes that it kills.
/// </summary>
public sealed class CitusCluster : IAsyncDisposable
{
    /// <summary>Names a database of the coordinator that has the extension and knows its workers, as <c>postgres://…</c>.</summary>
    public const string Variable = "PYRESOLVE_TEST_CITUS";

    private readonly Lock _gate = new();
    private readonly List<string> _databases = [];
    private readonly Node _coordinator;
    private readonly IReadOnlyList<Node> _workers;

    private CitusCluster(Node coordinator, IReadOnlyList<Node> workers)
    {
        _coordinator = coordinator;
        _workers = workers;
    }

    public static bool IsNamed => Address is not null;

    public static bool IsInstalled { get; } = PostgresBinaries.HasExtension("citus");

    /// <summary>Tests on a real Citus are to run.</summary>
    public static bool IsWanted => IsNamed || Scale.IsSoak;

    /// <summary>To be killed and restarted. Only in a cluster of the test's own.</summary>
    public PostgresServer Coordinator => _coordinator.Own!;

    /// <inheritdoc cref="Coordinator"/>
    public IReadOnlyList<PostgresServer> Workers => [.. _workers.Select(static worker => worker.Own!)];

    private static string? Address => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } address ? address : null;

    /// <summary>The one that is named, or one of the test's own.</summary>
    public static async Task<CitusCluster> FindAsync(CancellationToken cancellationToken) =>
        Address is { } address ? await ConnectAsync(address, cancellationToken) : await StartAsync(durable: false, cancellationToken);

    /// <summary>A coordinator and two workers.</summary>
    /// <param name="durable">For nodes that are killed.</param>
    /// <param name="cancellationToken">Abandons the start.</param>
    /// <param name="maxConnections">Of each node.</param>
    /// <param name="walLevel">Of each node. A shard is moved while it is written to only where this is <c>logical</c>.</param>
    public static async Task<CitusCluster> StartAsync(
        bool durable, CancellationToken cancellationToken, int maxConnections = 400, string walLevel = "logical")
    {
        var nodes = new List<PostgresServer>();
        try
        {
            while (nodes.Count < 3)
                nodes.Add(await PostgresServer.StartCitusNodeAsync(durable, maxConnections, walLevel, cancellationToken));
            return new CitusCluster(Own(nodes[0]), [.. nodes.Skip(1).Select(Own)]);
        }
        catch
        {
            foreach (var node in nodes)
                await node.DisposeAsync();
            throw;
        }

        static Node Own(PostgresServer server) => new(new NpgsqlConnectionStringBuilder(server.ConnectionString), server);
    }

    /// <summary>An empty database on every node, which together are a Citus.</summary>
    /// <returns>The connection string of the coordinator's.</returns>
    public async Task<string> CreateDatabaseAsync(CancellationToken cancellationToken)
    {
        var name = $"pyresolve_{Guid.CreateVersion7(TimeProvider.System.GetUtcNow()):n}";
        lock (_gate)
            _databases.Add(name);
        foreach (var node in Nodes())
        {
            await RunAsync(node.Settings.ConnectionString, $"create database {name}", cancellationToken);
            await RunAsync(node.In(name), "create extension citus", cancellationToken);
        }

        var coordinator = _coordinator.In(name);
        await RunAsync(coordinator, $"select citus_set_coordinator_host({_coordinator})", cancellationToken);
        foreach (var worker in _workers)
            await RunAsync(coordinator, $"select citus_add_node({worker})", cancellationToken);
        return coordinator;
    }

    /// <summary>The same database, reached through a worker.</summary>
    public string OnWorker(int worker, string connectionString) =>
        _workers[worker].In(new NpgsqlConnectionStringBuilder(connectionString).Database!);

    public async ValueTask DisposeAsync()
    {
        foreach (var node in Nodes())
        {
            if (node.Own is { } own)
            {
                await own.DisposeAsync();
                continue;
            }

            foreach (var database in _databases)
            {
                await RunAsync(
                    node.Settings.ConnectionString, $"drop database if exists {database} with (force)", CancellationToken.None);
            }
        }
    }

    private IEnumerable<Node> Nodes() => _workers.Prepend(_coordinator);

    private static async Task<CitusCluster> ConnectAsync(string address, CancellationToken cancellationToken)
    {
        var coordinator = PostgresAddress.Parse(address);
        await using var connection = new NpgsqlConnection($"{coordinator};Pooling=false");
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(
            "select nodename, nodeport from pg_dist_node where noderole = 'primary' and isactive and groupid > 0 order by groupid",
            connection);
        await using var rows = await command.ExecuteReaderAsync(cancellationToken);
        var workers = new List<Node>();
        while (await rows.ReadAsync(cancellationToken))
        {
            var worker = new NpgsqlConnectionStringBuilder(coordinator.ConnectionString)
            {
                Host = rows.GetString(0),
                Port = rows.GetInt32(1),
            };
            workers.Add(new Node(worker, Own: null));
        }

        return workers.Count > 0
            ? new CitusCluster(new Node(coordinator, Own: null), workers)
            : throw new InvalidOperationException($"The database that {Variable} names has no workers.");
    }

    private static async Task RunAsync(string connectionString, string sql, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection($"{connectionString};Pooling=false;Command Timeout=120");
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private sealed record Node(NpgsqlConnectionStringBuilder Settings, PostgresServer? Own)
    {
        public string In(string database) =>
            new NpgsqlConnectionStringBuilder(Settings.ConnectionString) { Database = database }.ConnectionString;

        public override string ToString() => $"'{Settings.Host}', {Settings.Port}";
    }
}
