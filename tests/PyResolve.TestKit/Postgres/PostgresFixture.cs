namespace PyResolve.TestKit;

/// <summary>
/// One PostgreSQL for a test assembly, started when the first test needs it:
/// <c>[assembly: AssemblyFixture(typeof(PostgresFixture))]</c>, then a constructor parameter of this type. Thread-safe.
/// </summary>
public sealed class PostgresFixture : IAsyncDisposable
{
    private const int PooledConnections = 4;

    private readonly Lazy<Task<PostgresServer>> _server = new(() => PostgresServer.StartAsync());
    private readonly Lazy<Task<CitusCluster>> _citus = new(() => CitusCluster.FindAsync(CancellationToken.None));
    private readonly Lazy<Task<Pooler>> _pooler;
    private readonly Lazy<Task<string>> _template;

    public PostgresFixture()
    {
        _pooler = new(async () => await Pooler.StartAsync((await _server.Value).ConnectionString, PooledConnections));
        _template = new(async () => await (await _server.Value).CreateTemplateAsync(
            static connectionString => StoreTemplate.FillAsync(StorageEngine.Postgres, connectionString)));
    }

    /// <inheritdoc cref="PostgresServer.CreateDatabaseAsync"/>
    public async Task<string> CreateDatabaseAsync(string? name = null, CancellationToken cancellationToken = default) =>
        await (await _server.Value).CreateDatabaseAsync(name, cancellationToken);

    /// <summary>Creates a database with the schema, and returns its connection string.</summary>
    internal async Task<string> CreateReadyDatabaseAsync() =>
        await (await _server.Value).CopyTemplateAsync(await _template.Value);

    /// <summary>One Citus for a test assembly, started when the first test needs it.</summary>
    public Task<CitusCluster> CitusAsync() => _citus.Value;

    /// <summary>The URL of a database through a transaction pooler.</summary>
    public async Task<string> PooledUrlAsync(string connectionString) => (await _pooler.Value).Url(connectionString);

    public async ValueTask DisposeAsync()
    {
        if (_pooler.IsValueCreated && await Task.WhenAny(_pooler.Value) is { IsCompletedSuccessfully: true } pooler)
            await (await pooler).DisposeAsync();
        if (_citus.IsValueCreated && await Task.WhenAny(_citus.Value) is { IsCompletedSuccessfully: true } citus)
            await (await citus).DisposeAsync();
        // If the start failed, the tests that needed it have failed already.
        if (_server.IsValueCreated && await Task.WhenAny(_server.Value) is { IsCompletedSuccessfully: true } started)
            await (await started).DisposeAsync();
    }
}
