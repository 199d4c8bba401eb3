using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using CommandResult = PyResolve.TestKit.CommandResult;
using HttpProxy = PyResolve.TestKit.HttpProxy;

namespace PyResolve.Client.Tests.Network;

/// <summary>The guide's first program in networks as they are: it does what its documentation says, within six seconds.</summary>
public sealed class FiveMinutesTests : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(6);
    private readonly Stopwatch _watch = new();
    private ScriptedServer _server = null!;
    private Ledger _ledger = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => (_server, _ledger) = await Ledger.StartAsync();

    [Theory]
    [InlineData("http_proxy", "localhost")]
    [InlineData("all_proxy", "localhost")]
    [InlineData("ALL_PROXY", "127.0.0.1")]
    [InlineData("HTTPS_PROXY", "localhost")]
    public async Task A_proxy_for_everything_is_not_asked_for_a_server_on_this_machine(string variable, string host)
    {
        await using var proxy = HttpProxy.Start(refuses: 407);

        var result = await RunAsync(
            new($"http://{host}:{_server.Url.Port}"), new() { [variable] = proxy.AddressFor("bob", "s3cret").AbsoluteUri });

        ShouldHaveMigrated(result);
        proxy.Seen.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(407)]
    [InlineData(403)]
    [InlineData(502)]
    [InlineData(null)]
    public async Task A_proxy_that_fails_is_named_without_its_password_and_the_work_is_kept(int? status)
    {
        await using var proxy = HttpProxy.Start(refuses: status ?? 500);
        var address = status is null
            ? new UriBuilder("http", "127.0.0.1", UnusedPort()) { UserName = "bob", Password = "s3cret" }.Uri
            : proxy.AddressFor("bob", "s3cret");

        var result = await RunAsync(new("https://billing.example"), new() { ["HTTPS_PROXY"] = address.AbsoluteUri });

        result.ExitCode.ShouldNotBe(0);
        result.Output.ShouldStartWith("2 files changed.");
        result.Error.ShouldContain("proxy");
        (result.Output + result.Error).ShouldNotContain("s3cret");
        (result.Output + result.Error).ShouldNotContain("bob");
        _server.Home.OutboxFiles().ShouldNotBeEmpty();
    }

    [Fact]
    public async Task A_standard_resilience_handler_around_all_clients_changes_nothing()
    {
        _server.LoseAnswers("POST /quota/reservations", 1);

        var result = await RunAsync(_server.Url, hosted: true);

        ShouldHaveMigrated(result);
    }

    [Fact]
    public async Task A_standard_resilience_handler_without_a_server_changes_nothing_either()
    {
        var result = await RunAsync(new($"http://127.0.0.1:{UnusedPort()}"), hosted: true);

        result.ExitCode.ShouldNotBe(0);
        result.Output.ShouldStartWith("2 files changed.");
        result.Error.ShouldContain("PyResolve.Client.PyResolveException: Cannot reach ");
        _server.Home.OutboxFiles().ShouldNotBeEmpty();
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task<CommandResult> RunAsync(Uri url, Dictionary<string, string?>? environment = null, bool hosted = false)
    {
        _watch.Restart();
        var result = await UpgradingProcess.RunAsync(url, _server.Home.Path, environment, hosted, cancellationToken: Cancellation);
        _watch.Elapsed.ShouldBeLessThan(Limit);
        return result;
    }

    private void ShouldHaveMigrated(CommandResult result)
    {
        result.ExitCode.ShouldBe(0, result.Error);
        result.Output.ShouldBe("2 files changed. 4 migrations left this month." + Environment.NewLine);
        (_ledger.Reservations, _ledger.Charges).ShouldBe((1, 2));
    }

    private static int UnusedPort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
