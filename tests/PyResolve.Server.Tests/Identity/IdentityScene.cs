using PyResolve.Server.Tests.Hosting;

namespace PyResolve.Server.Tests.Identity;

/// <summary>An issuer and a server that trusts it, on one clock.</summary>
internal sealed class IdentityScene(TestIssuer issuer, OwnServer own) : IAsyncDisposable
{
    public TestIssuer Issuer => issuer;

    public OwnServer Own => own;

    public static async Task<IdentityScene> StartAsync(
        StorageEngine engine, SharedServers servers, Func<TestIssuer, Dictionary<string, string?>> settings)
    {
        var clock = new TestClock();
        var issuer = await TestIssuer.StartAsync(clock);
        return new IdentityScene(issuer, await OwnServer.StartAsync(engine, servers.Postgres, settings: settings(issuer), clock: clock));
    }

    /// <summary>As Supabase makes its ids.</summary>
    public static Guid NewUser()
    {
        Span<byte> bytes = stackalloc byte[16];
        Random.Shared.NextBytes(bytes);
        return new Guid(bytes);
    }

    public Caller With(string token) => new(own.Server.Http, "Authorization", $"Bearer {token}");

    public async ValueTask DisposeAsync()
    {
        await own.DisposeAsync();
        await issuer.DisposeAsync();
    }
}
