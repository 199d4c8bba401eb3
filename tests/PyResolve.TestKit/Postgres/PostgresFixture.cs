namespace PyResolve.TestKit;

/// <summary>
/// One PostgreSQL for a test assembly, started when the first test needs it:
/// <c>[assembly: AssemblyFixture(typeof(PostgresFixture))]</c>, then a constructor parameter of this type. Thread-safe.
/// </summary>
public sealed class PostgresFixture : IAsyncDisposable
{
    private readonly Lazy<Task<PostgresServer>> _server = new(() => PostgresServer.StartAsync());

    /// <inheritdoc cref="PostgresServer.CreateDatabaseAsync"/>
    public async Task<string> CreateDatabaseAsync(string? name = null, CancellationToken cancellationToken = default) =>
        await (await _server.Value).CreateDatabaseAsync(name, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        // If the start failed, the tests that needed it have failed already.
        if (_server.IsValueCreated && await Task.WhenAny(_server.Value) is { IsCompletedSuccessfully: true } started)
            await (await started).DisposeAsync();
    }
}
