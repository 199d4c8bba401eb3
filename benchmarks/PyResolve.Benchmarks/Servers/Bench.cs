using System.Reflection;
using PyResolve.Benchmarks.Load;
using PyResolve.Benchmarks.Measuring;
using PyResolve.TestKit;

namespace PyResolve.Benchmarks.Servers;

/// <summary>The tools of a scenario: a durable PostgreSQL, servers, connections, and the amount of measuring.</summary>
internal sealed class Bench(Effort effort, PostgresServer postgres, PublishedServer server, DirectoryInfo? before) : IDisposable
{
    private readonly List<LoadGenerator> _open = [];

    private static readonly string LimitServer =
        typeof(Bench).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(metadata => metadata.Key == "PyResolve.LimitServer").Value!;

    public Effort Effort => effort;

    /// <summary>The published server.</summary>
    public string Assembly => server.Assembly;

    /// <summary>An earlier one, published. For scenarios that need it.</summary>
    public string AssemblyBefore => Path.Combine(before!.FullName, Path.GetFileName(server.Assembly));

    /// <summary>Where the stores are.</summary>
    public PostgresServer Postgres => postgres;

    public PairedRounds Rounds { get; } = new(effort, Console.Error);

    /// <summary>An empty database; the first server on it creates the schema.</summary>
    public async Task<BenchStore> CreateStoreAsync(CancellationToken cancellationToken) =>
        new(await postgres.CreateDatabaseAsync(cancellationToken: cancellationToken));

    /// <summary>Connections that stay open until this object is disposed of.</summary>
    public async Task<LoadGenerator> ConnectAsync(ServerProcess server, int connections, CancellationToken cancellationToken)
    {
        var load = await LoadGenerator.ConnectAsync(server.Address, connections, cancellationToken);
        _open.Add(load);
        return load;
    }

    /// <summary>An arm that sends <paramref name="requests"/> over the usual number of connections.</summary>
    public Task<Arm> ArmAsync(string name, ServerProcess server, Requests requests, CancellationToken cancellationToken) =>
        ArmAsync(name, server, requests, effort.Connections, cancellationToken);

    /// <summary>An arm that sends <paramref name="requests"/> over a given number of connections.</summary>
    public async Task<Arm> ArmAsync(
        string name, ServerProcess server, Requests requests, int connections, CancellationToken cancellationToken)
    {
        var load = await ConnectAsync(server, connections, cancellationToken);
        return new Arm(name, server, (length, cancellation) => load.RunAsync(length, requests, cancellation));
    }

    public void Dispose() => _open.ForEach(load => load.Dispose());

    /// <summary>The product, published.</summary>
    public Task<ServerProcess> StartServerAsync(
        BenchStore store, CancellationToken cancellationToken, IReadOnlyDictionary<string, string?>? settings = null) =>
        ServerProcess.StartProgramAsync(server.Assembly, With(store, settings), cancellationToken);

    /// <summary>The product, published, on a database of either engine.</summary>
    public Task<ServerProcess> StartServerAsync(
        TestStore store, CancellationToken cancellationToken, params IEnumerable<KeyValuePair<string, string?>> settings) =>
        ServerProcess.StartProgramAsync(
            server.Assembly, new Dictionary<string, string?>(store.Settings.Concat(settings)), cancellationToken);

    /// <summary>A command of the product, published, on a database of either engine.</summary>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    public Task<CommandCost> MeasureCommandAsync(TestStore store, IEnumerable<string> arguments, CancellationToken cancellationToken) =>
        CommandCost.MeasureAsync(server.Assembly, arguments, store.Settings, cancellationToken);

    /// <summary>The product on its own embedded database.</summary>
    public Task<ServerProcess> StartEmbeddedServerAsync(CancellationToken cancellationToken) =>
        ServerProcess.StartProgramAsync(server.Assembly, cancellationToken: cancellationToken);

    /// <summary>The limit server that commits each event, on its own embedded database.</summary>
    public static Task<ServerProcess> StartEmbeddedLimitAsync(CancellationToken cancellationToken) =>
        ServerProcess.StartProgramAsync(LimitServer, new Dictionary<string, string?> { ["PYRESOLVE_LIMIT"] = "usage" }, cancellationToken);

    /// <param name="limit"><c>bare</c>, <c>checked</c>, <c>select</c>, <c>reserve</c>, <c>usage</c> or <c>copy</c>.</param>
    /// <param name="store">A database that the product has filled: a limit server creates no accounts.</param>
    /// <param name="cancellationToken">Cancels the start.</param>
    /// <param name="settings">In addition to the database's.</param>
    public static Task<ServerProcess> StartLimitAsync(
        string limit, BenchStore store, CancellationToken cancellationToken, IReadOnlyDictionary<string, string?>? settings = null)
    {
        var all = With(store, settings);
        all["PYRESOLVE_LIMIT"] = limit;
        return ServerProcess.StartProgramAsync(LimitServer, all, cancellationToken);
    }

    private static Dictionary<string, string?> With(BenchStore store, IReadOnlyDictionary<string, string?>? settings)
    {
        var all = new Dictionary<string, string?>(store.Settings);
        foreach (var (name, value) in settings ?? new Dictionary<string, string?>())
            all[name] = value;
        return all;
    }
}
