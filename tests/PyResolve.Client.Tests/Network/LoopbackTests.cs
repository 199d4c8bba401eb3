using System.Net;
using HttpProxy = PyResolve.TestKit.HttpProxy;
using TcpProxy = PyResolve.TestKit.TcpProxy;

namespace PyResolve.Client.Tests.Network;

/// <summary>A server on this machine is never asked through a proxy, which would see the key. It runs alone: the system's proxy belongs to
/// the process.</summary>
[Collection(nameof(EnvironmentTests))]
public sealed class LoopbackTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("localhost", false)]
    [InlineData("LocalHost", false)]
    [InlineData("127.0.0.1", false)]
    [InlineData("127.0.0.1", true)]
    [InlineData("127.1", false)]
    [InlineData("[::ffff:127.0.0.1]", false)]
    [InlineData("[::1]", true)]
    [InlineData("localhost", true)]
    public async Task A_server_on_this_machine_is_asked_past_every_proxy(string host, bool isOption)
    {
        await using var proxy = HttpProxy.Start();
        await using var server = await ScriptedServer.StartAsync();
        await using var overIPv6 = TcpProxy.Start(server.Url, IPAddress.IPv6Loopback);
        server.On("GET /quota", Answer.Quota(1));
        using var system = new SystemProxy(new WebProxy(proxy.Address));
        var port = host == "[::1]" ? overIPv6.EndPoint.Port : server.Url.Port;
        await using var client = server.Client(options =>
        {
            options.ApiUrl = new($"http://{host}:{port}");
            options.Proxy = isOption ? new WebProxy(proxy.Address) : null;
        });

        (await client.GetQuotaAsync(Cancellation)).MigrationsUsed.ShouldBe(1);

        server.Requests.Single().Header("X-API-Key").ShouldBe(ScriptedServer.Key);
        proxy.Seen.ShouldBeEmpty();
    }

    [Fact]
    public async Task The_name_loopback_is_another_machine_and_gets_no_key_unencrypted()
    {
        await using var proxy = HttpProxy.Start();
        var options = new PyResolveClientOptions
        {
            ApiUrl = new("http://loopback:8000"), ApiKey = ScriptedServer.Key, Proxy = new WebProxy(proxy.Address),
        };

        Should.Throw<PyResolveException>(() => PyResolveClient.Create(options)).Message.ShouldContain("unencrypted to loopback");
    }

    [Fact]
    public async Task Another_server_is_asked_through_the_systems_proxy_and_through_the_one_of_the_options()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var ofSystem = HttpProxy.Start(server.Url);
        await using var ofOptions = HttpProxy.Start(server.Url);
        server.On("GET /quota", Answer.Quota(1));
        using var system = new SystemProxy(new WebProxy(ofSystem.Address));
        foreach (var proxy in new[] { null, ofOptions })
        {
            await using var client = server.Client(options =>
            {
                (options.ApiUrl, options.AllowInsecureHttp) = (new("http://billing.example"), true);
                options.Proxy = proxy is null ? null : new WebProxy(proxy.Address);
            });
            await client.GetQuotaAsync(Cancellation);
        }

        (ofSystem.Seen.Count, ofOptions.Seen.Count).ShouldBe((1, 1));
        ofOptions.Seen.Single().ShouldStartWith("GET http://billing.example/quota HTTP/1.1");
    }

    [Theory]
    [InlineData("http://localhost", true)]
    [InlineData("http://LOCALHOST.", true)]
    [InlineData("http://127.0.0.1", true)]
    [InlineData("http://127.255.3.4", true)]
    [InlineData("http://0x7f000001", true)]
    [InlineData("https://[::1]", true)]
    [InlineData("http://[::1%251]", true)]
    [InlineData("http://[::ffff:127.0.0.2]", true)]
    [InlineData("http://loopback", false)]
    [InlineData("http://localhost.example", false)]
    [InlineData("http://127.0.0.1.example", false)]
    [InlineData("http://notlocalhost", false)]
    [InlineData("http://0.0.0.0", false)]
    [InlineData("http://[::ffff:128.0.0.1]", false)]
    [InlineData("http://[::2]", false)]
    [InlineData("http://10.0.0.1", false)]
    public void Only_localhost_and_literal_addresses_are_this_machine(string url, bool isLoopback) =>
        Loopback.Is(new(url)).ShouldBe(isLoopback);
}
