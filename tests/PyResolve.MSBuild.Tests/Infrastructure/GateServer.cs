using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace PyResolve.MSBuild.Tests.Infrastructure;

/// <summary>The real server, one for all tests. It has the real clock, as the builds have that report to it.</summary>
public sealed class GateServer : IAsyncLifetime
{
    private readonly PostgresFixture _postgres = new();
    private TestStore _store = null!;

    internal TestServer Server { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        _store = await TestStore.CreateAsync(StorageEngine.Sqlite, _postgres);
        Server = await TestServer.StartAsync(
            _store, replace: static services => services.Replace(ServiceDescriptor.Singleton(TimeProvider.System)));
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        await _store.DisposeAsync();
        await _postgres.DisposeAsync();
    }
}
