using System.Collections.Concurrent;

namespace PyResolve.TestKit;

/// <summary>
/// One server per engine for a whole test assembly, started on first use. A test signs up its own account and does not move the clock; a
/// test that needs more starts its own <see cref="TestServer"/>. Thread-safe.
/// </summary>
public sealed class SharedServers : IAsyncDisposable
{
    private readonly ConcurrentDictionary<StorageEngine, Lazy<Task<(TestStore Store, TestServer Server)>>> _servers = new();

    public PostgresFixture Postgres { get; } = new();

    public async Task<TestServer> OnAsync(StorageEngine engine) =>
        (await _servers.GetOrAdd(engine, key => new(() => StartAsync(key))).Value).Server;

    public async ValueTask DisposeAsync()
    {
        foreach (var started in _servers.Values)
        {
            if (await Task.WhenAny(started.Value) is not { IsCompletedSuccessfully: true } done)
                continue;
            var (store, server) = await done;
            await server.DisposeAsync();
            await store.DisposeAsync();
        }

        await Postgres.DisposeAsync();
    }

    private async Task<(TestStore Store, TestServer Server)> StartAsync(StorageEngine engine)
    {
        var store = await TestStore.CreateAsync(engine, Postgres);
        return (store, await TestServer.StartAsync(store));
    }
}
