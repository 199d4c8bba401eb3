using System.Diagnostics;
using System.Net;
using Command = PyResolve.TestKit.Command;
using HttpProxy = PyResolve.TestKit.HttpProxy;
using TcpProxy = PyResolve.TestKit.TcpProxy;

namespace PyResolve.Client.Tests.Network;

/// <summary>A host name with several addresses, some of which are dead.</summary>
public sealed class AddressRaceTests : IAsyncLifetime
{
    private static readonly IPAddress IPv4 = IPAddress.Loopback;
    private static readonly IPAddress IPv6 = IPAddress.IPv6Loopback;
    private ScriptedServer _server = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await ScriptedServer.StartAsync();
        _server.On("GET /quota", Answer.Quota(1));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_dead_address_of_one_family_costs_a_fraction_of_a_second(bool isIPv6Dead)
    {
        var (dead, alive) = isIPv6Dead ? (IPv6, IPv4) : (IPv4, IPv6);
        await using var reachable = TcpProxy.Start(_server.Url, alive);
        await using var hole = await TcpProxy.StartBlackHoleAsync(dead, reachable.EndPoint.Port);
        await using var client = Client(reachable.EndPoint.Port, dead, alive);
        var watch = Stopwatch.StartNew();

        (await client.GetQuotaAsync(Cancellation)).MigrationsUsed.ShouldBe(1);

        watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task What_could_take_effect_twice_goes_on_from_a_server_to_which_there_was_no_connection()
    {
        _server.On("POST /quota/reservations", Answer.Json(201, $$"""
            {"id":"01a22a00-0000-7000-8000-000000000001","state":"held","quantity":1,"remaining":1,"tier":"tier1",
             "quota":{{Answer.QuotaBody(0)}}}
            """));
        await using var hole = await TcpProxy.StartBlackHoleAsync(IPv4);
        await using var client = _server.Client(options =>
        {
            options.ApiUrls = [new($"http://{hole.EndPoint}"), _server.Url];
            options.ConnectTimeout = TimeSpan.FromMilliseconds(300);
        });

        (await client.CreateReservationAsync(new() { Tier = "tier1" }, null, Cancellation)).State.ShouldBe("held");

        _server.Requests.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Many_dead_addresses_before_the_good_one_do_not_add_up()
    {
        await using var reachable = TcpProxy.Start(_server.Url);
        await using var hole = await TcpProxy.StartBlackHoleAsync(IPv6, reachable.EndPoint.Port);
        var dead = Enumerable.Repeat(IPv6, 1).Concat(Enumerable.Range(1, 8).Select(static i => IPAddress.Parse($"2001:db8::{i}")));
        await using var client = Client(reachable.EndPoint.Port, [.. dead, IPv4]);
        var watch = Stopwatch.StartNew();

        (await client.GetQuotaAsync(Cancellation)).MigrationsUsed.ShouldBe(1);

        watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task An_address_that_accepts_connections_and_then_drops_everything_is_avoided_within_the_call()
    {
        await using var stalled = TcpProxy.Start(_server.Url, IPv6);
        await stalled.StallAsync();
        await using var reachable = TcpProxy.Start(_server.Url, IPv4, stalled.EndPoint.Port);
        await using var client = Client(reachable.EndPoint.Port, IPv6, IPv4);

        (await client.GetQuotaAsync(Cancellation)).MigrationsUsed.ShouldBe(1);
        (await client.GetQuotaAsync(Cancellation)).MigrationsUsed.ShouldBe(1);

        stalled.Connections.ShouldBe(1);
    }

    [Fact]
    public async Task An_address_that_refuses_does_not_wait_for_its_turn_to_end()
    {
        await using var client = Client(_server.Url.Port, IPv6, IPv4);
        var watch = Stopwatch.StartNew();

        await client.GetQuotaAsync(Cancellation);

        watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task Addresses_that_are_all_dead_end_with_the_connect_time_limit_and_not_with_the_call()
    {
        await using var hole = await TcpProxy.StartBlackHoleAsync(IPv4);
        await using var same = await TcpProxy.StartBlackHoleAsync(IPv6, hole.EndPoint.Port);
        await using var client = Client(
            hole.EndPoint.Port,
            options => (options.ConnectTimeout, options.RequestTimeout) = (TimeSpan.FromMilliseconds(400), TimeSpan.FromMinutes(5)),
            IPv6, IPv4);
        var watch = Stopwatch.StartNew();

        var failure = await Should.ThrowAsync<PyResolveException>(client.GetQuotaAsync(Cancellation));

        failure.Code.ShouldBe(PyResolveErrorCodes.Unreachable);
        failure.Cause.ShouldContain("no connection within 0.4 s");
        watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task A_refusal_is_told_rather_than_the_missing_route_of_the_other_family()
    {
        var port = _server.Url.Port;
        await _server.DisposeAsync();
        await using var client = Client(port, IPAddress.Parse("ff02::1"), IPv4);

        (await Should.ThrowAsync<PyResolveException>(client.GetQuotaAsync(Cancellation))).Cause.ShouldContain("connection refused");
    }

    [Fact]
    public async Task A_proxy_with_a_dead_address_is_reached_at_its_other_one()
    {
        await using var proxy = HttpProxy.Start(_server.Url);
        await using var hole = await TcpProxy.StartBlackHoleAsync(IPv6, proxy.Address.Port);
        await using var client = Client(
            80,
            options =>
            {
                (options.ApiUrl, options.AllowInsecureHttp) = (new("http://billing.example"), true);
                options.Proxy = new WebProxy($"http://proxy.example:{proxy.Address.Port}");
            },
            IPv6, IPv4);
        var watch = Stopwatch.StartNew();

        (await client.GetQuotaAsync(Cancellation)).MigrationsUsed.ShouldBe(1);

        watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task The_guides_first_program_runs_in_six_seconds_with_a_broken_IPv6_route()
    {
        const string BindHosts = "mount --bind \"$0\" /etc/hosts && exec \"$@\"";
        var hosts = Path.Combine(Directory.CreateDirectory(_server.Home.Path).FullName, "hosts");
        await File.WriteAllTextAsync(hosts, "::1 localhost\n127.0.0.1 localhost\n", Cancellation);
        string[] wrapper = ["unshare", "--mount", "/bin/sh", "-c", BindHosts, hosts];
        Assert.SkipUnless(await CanAsync([.. wrapper, "true"]), "Only root on Linux may give a process its own /etc/hosts.");
        var (server, ledger) = await Ledger.StartAsync();
        await using var _ = server;
        await using var hole = await TcpProxy.StartBlackHoleAsync(IPv6, server.Url.Port);
        var watch = Stopwatch.StartNew();

        var result = await UpgradingProcess.RunAsync(
            new($"http://localhost:{server.Url.Port}"), server.Home.Path, wrapper: wrapper, cancellationToken: Cancellation);

        watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(6));
        result.ExitCode.ShouldBe(0, result.Error);
        result.Output.ShouldStartWith("2 files changed. 4 migrations left");
        (ledger.Reservations, ledger.Charges).ShouldBe((1, 2));
    }

    private static async Task<bool> CanAsync(string[] command)
    {
        try
        {
            return (await Command.RunAsync(command[0], command.Skip(1), cancellationToken: Cancellation)).ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    [Fact]
    public void Families_take_turns_and_the_systems_first_address_stays_first() =>
        AddressRace.Sort([.. new[] { "::1", "::2", "::3", "10.0.0.1", "::ffff:10.0.0.2", "10.0.0.1" }.Select(IPAddress.Parse)])
            .Select(static address => address.ToString()).ShouldBe(["::1", "10.0.0.1", "::2", "10.0.0.2", "::3"]);

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private PyResolveClient Client(int port, params IPAddress[] addresses) => Client(port, static _ => { }, addresses);

    private PyResolveClient Client(int port, Action<PyResolveClientOptions> configure, params IPAddress[] addresses)
    {
        var options = new PyResolveClientOptions
        {
            ApiUrl = new($"http://localhost:{port}"), ApiKey = ScriptedServer.Key, Home = _server.Home.Path,
        };
        configure(options);
        var race = new AddressRace((_, _) => Task.FromResult(addresses), TimeProvider.System);
        return PyResolveClient.Create(options, settings => HttpDefaults.CreateClient(settings, race));
    }
}
