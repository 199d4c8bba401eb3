using System.Globalization;

namespace PyResolve.MSBuild.Tests.Infrastructure;

/// <summary>An account on the real server, and a network in front of it that tells whether anyone has asked.</summary>
internal sealed class GateAccount : IAsyncDisposable
{
    private GateAccount(TestServer server, TestAccount account, TcpProxy network) =>
        (Server, Account, Network) = (server, account, network);

    public TestServer Server { get; }

    public TestAccount Account { get; }

    public TcpProxy Network { get; }

    public string ApiKey => Account.ApiKey;

    public Uri Address => new($"http://127.0.0.1:{Network.EndPoint.Port.ToString(CultureInfo.InvariantCulture)}");

    /// <param name="plan">free: 5 migrations, and no tier2.</param>
    public static async Task<GateAccount> SignUpAsync(GateServer server, string plan = "pro")
    {
        var account = await TestAccount.SignUpAsync(server.Server.Http);
        await server.Server.ExecuteSqlAsync($"update profiles set plan = '{plan}' where id = '{account.UserId:D}'");
        return new GateAccount(server.Server, account, TcpProxy.Start(server.Server.Address));
    }

    public async Task<long> UsedAsync() => (await Account.QuotaAsync()).Used;

    public async Task<long> HeldAsync() => (await Account.QuotaAsync()).Held;

    /// <summary>How many reservations were given back.</summary>
    public Task<int> ReleasedAsync() =>
        Server.ExecuteSqlAsync($"update reservations set state = state where state = 'released' and user_id = '{Account.UserId:D}'");

    public ValueTask DisposeAsync() => Network.DisposeAsync();
}
