using Npgsql;

namespace PyResolve.TestKit;

/// <summary>
/// A real PostgreSQL for tests: the one that <c>PYRESOLVE_TEST_POSTGRES</c> names, or a private cluster that ends with this object, and at
/// the latest with this process. Thread-safe, but only one test may use a server that it kills and restarts.
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    /// <summary>Names a server to use, as <c>postgres://…</c> or in Npgsql's keywords.</summary>
    public const string Variable = "PYRESOLVE_TEST_POSTGRES";

    private const int OldestVersion = 15;

    private readonly Lock _gate = new();
    private readonly List<string> _databases = [];
    private readonly PrivateCluster? _cluster;

    private PostgresServer(string connectionString, PrivateCluster? cluster)
    {
        ConnectionString = connectionString;
        _cluster = cluster;
    }

    /// <summary>The connection string of the maintenance database.</summary>
    public string ConnectionString { get; }

    /// <param name="durable">
    /// For crash tests: fsync, synchronous_commit and full_page_writes stay on. It is always a private cluster, because a server that
    /// others use may not be killed.
    /// </param>
    /// <param name="cancellationToken">Abandons the start.</param>
    /// <exception cref="PostgresMissingException">There is no PostgreSQL; the message says what to install.</exception>
    public static async Task<PostgresServer> StartAsync(bool durable = false, CancellationToken cancellationToken = default)
    {
        if (!durable && Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } address)
            return await ConnectAsync(PostgresAddress.Parse(address).ConnectionString, cancellationToken);

        // One that is not killed is shared by all tests of a process.
        var maxConnections = durable ? 300 : 1000;
        return await StartOwnAsync(await PrivateCluster.CreateAsync(durable, maxConnections, cancellationToken), cancellationToken);
    }

    /// <summary>A private one with the connections that PostgreSQL has by default.</summary>
    public static async Task<PostgresServer> StartWithDefaultsAsync(CancellationToken cancellationToken = default) =>
        await StartOwnAsync(await PrivateCluster.CreateAsync(durable: false, maxConnections: 100, cancellationToken), cancellationToken);

    /// <summary>A private one that is a node of a Citus, which must be installed.</summary>
    internal static async Task<PostgresServer> StartCitusNodeAsync(
        bool durable, int maxConnections, string walLevel, CancellationToken cancellationToken) =>
        await StartOwnAsync(
            await PrivateCluster.CreateAsync(
                durable, maxConnections, cancellationToken,
                [
                    "shared_preload_libraries=citus",
                    $"wal_level={walLevel}",
                    "max_prepared_transactions=400",
                    "citus.enable_statistics_collection=off",
                    // Among themselves, on loopback.
                    "citus.node_conninfo=sslmode=disable",
                ]),
            cancellationToken);

    private static async Task<PostgresServer> StartOwnAsync(PrivateCluster cluster, CancellationToken cancellationToken)
    {
        var server = new PostgresServer(cluster.ConnectionString, cluster);
        try
        {
            await server.RequireVersionAsync("The PostgreSQL that was found", cancellationToken);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>The port that it listens on.</summary>
    public int Port => new NpgsqlConnectionStringBuilder(ConnectionString).Port;

    /// <summary>The process that all its others are children of.</summary>
    public int ProcessId => Own().ProcessId;

    /// <summary>What it has written so far.</summary>
    public string Log => Own().Log;

    /// <summary>Not killed.</summary>
    public bool IsRunning => Own().IsRunning;

    /// <summary>A standby that streams from this server, which must be durable.</summary>
    public async Task<PostgresServer> StartStandbyAsync(CancellationToken cancellationToken = default)
    {
        var cluster = await PrivateCluster.CreateStandbyAsync(Own(), cancellationToken);
        return new PostgresServer(cluster.ConnectionString, cluster);
    }

    /// <summary>Makes a standby the primary.</summary>
    public Task PromoteAsync() => ExecuteAsync("select pg_promote(true, 60)", CancellationToken.None);

    /// <summary>After <see cref="KillAsync"/>, starts it as a standby of another, which was promoted meanwhile.</summary>
    public async Task FollowAsync(PostgresServer primary, CancellationToken cancellationToken = default)
    {
        // pg_rewind reads from the last checkpoint which timeline the other is on.
        await primary.ExecuteAsync("checkpoint", cancellationToken);
        await Own().FollowAsync(primary.Own(), cancellationToken);
    }

    /// <summary>Changes a setting of the whole server, as an operator does.</summary>
    public async Task ConfigureAsync(string name, string value)
    {
        // Also where the server was made read-only.
        await using var connection = new NpgsqlConnection($"{ConnectionString};Pooling=false;Options=-c default_transaction_read_only=off");
        await connection.OpenAsync();
        foreach (var sql in new[] { $"alter system set {name} = '{value}'", "select pg_reload_conf()" })
        {
            await using var command = new NpgsqlCommand(sql, connection);
            await command.ExecuteNonQueryAsync();
        }
    }

    /// <summary>As a demoted primary, or one whose provider stopped writes because its disk is full.</summary>
    public Task SetReadOnlyAsync(bool isReadOnly) => ConfigureAsync("default_transaction_read_only", isReadOnly ? "on" : "off");

    /// <summary>Creates an empty database, and returns its connection string.</summary>
    /// <param name="name">Default: a new name.</param>
    /// <param name="cancellationToken">Cancels the creation.</param>
    public Task<string> CreateDatabaseAsync(string? name = null, CancellationToken cancellationToken = default) =>
        CreateAsync(name ?? NewName(), "", cancellationToken);

    /// <summary>Creates a copy of a database, and returns its connection string.</summary>
    /// <param name="template">From <see cref="CreateTemplateAsync"/>.</param>
    internal Task<string> CopyTemplateAsync(string template) =>
        CreateAsync(NewName(), $"template {Quote(template)}", CancellationToken.None);

    /// <summary>Creates a database to be copied, to which nothing may connect any longer, and returns its name.</summary>
    /// <param name="fill">Is given its connection string, and closes its connections.</param>
    internal async Task<string> CreateTemplateAsync(Func<string, Task> fill)
    {
        var connectionString = await CreateDatabaseAsync();
        await fill(connectionString);
        var name = new NpgsqlConnectionStringBuilder(connectionString).Database!;
        await ExecuteAsync($"alter database {Quote(name)} allow_connections false", CancellationToken.None);
        return name;
    }

    /// <summary>SIGKILL for the postmaster and all its children. Its files stay, for <see cref="RestartAsync"/>.</summary>
    public Task KillAsync() => Own().KillAsync();

    /// <summary>
    /// Starts it again on its port and its files, through crash recovery. Pooled connections to it are dead: clear the pools.
    /// </summary>
    public Task RestartAsync(CancellationToken cancellationToken = default) => Own().StartAsync(cancellationToken);

    /// <summary>Stops all its processes until <see cref="Thaw"/>: it accepts connections and never answers, as if it hung.</summary>
    public void Freeze() => Own().Freeze();

    public void Thaw() => Own().Thaw();

    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
            return;
        }

        foreach (var database in _databases)
            await ExecuteAsync($"drop database if exists {Quote(database)} with (force)", CancellationToken.None);
    }

    private static async Task<PostgresServer> ConnectAsync(string connectionString, CancellationToken cancellationToken)
    {
        var server = new PostgresServer(connectionString, cluster: null);
        try
        {
            await server.RequireVersionAsync($"The server that {Variable} names", cancellationToken);
            return server;
        }
        catch (NpgsqlException failure)
        {
            throw new PostgresMissingException($"The server that {Variable} names does not answer: {failure.Message}");
        }
    }

    private async Task RequireVersionAsync(string which, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection($"{ConnectionString};Pooling=false");
        await connection.OpenAsync(cancellationToken);
        if (connection.PostgreSqlVersion.Major < OldestVersion)
            throw new PostgresMissingException($"{which} is version {connection.PostgreSqlVersion}; it must be {OldestVersion} or later.");
    }

    private async Task<string> CreateAsync(string name, string options, CancellationToken cancellationToken)
    {
        await ExecuteAsync($"create database {Quote(name)} {options}", cancellationToken);
        lock (_gate)
            _databases.Add(name);
        return new NpgsqlConnectionStringBuilder(ConnectionString) { Database = name }.ConnectionString;
    }

    private static string NewName() => $"pyresolve_{Guid.CreateVersion7(TimeProvider.System.GetUtcNow()):n}";

    private static string Quote(string identifier) => $"\"{identifier.Replace("\"", "\"\"")}\"";

    private PrivateCluster Own() => _cluster
        ?? throw new InvalidOperationException($"The server that {Variable} names is not ours to kill: start one with durable: true.");

    private async Task ExecuteAsync(string sql, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection($"{ConnectionString};Pooling=false");
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
