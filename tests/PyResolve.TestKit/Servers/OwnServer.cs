using System.Globalization;
using Microsoft.Extensions.DependencyInjection;

namespace PyResolve.TestKit;

/// <summary>A server and a store for one test, which may move the clock, run SQL or change settings.</summary>
public sealed class OwnServer : IAsyncDisposable
{
    private OwnServer(TestStore store, TestServer server)
    {
        Store = store;
        Server = server;
    }

    public TestStore Store { get; }

    public TestServer Server { get; }

    public TestClock Clock => Server.Clock;

    public static async Task<OwnServer> StartAsync(
        StorageEngine engine,
        PostgresFixture postgres,
        string? startAt = null,
        IReadOnlyDictionary<string, string?>? settings = null,
        TestClock? clock = null,
        Action<IServiceCollection>? replace = null)
    {
        clock ??= new TestClock(startAt is null ? null : DateTimeOffset.Parse(startAt, CultureInfo.InvariantCulture));
        var store = await TestStore.CreateReadyAsync(engine, postgres);
        return new OwnServer(store, await TestServer.StartAsync(store, settings, clock, replace));
    }

    public Task<TestAccount> SignUpAsync(string? email = null) => TestAccount.SignUpAsync(Server.Http, email);

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        await Store.DisposeAsync();
    }
}
