using System.Diagnostics;
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using HttpProxy = PyResolve.TestKit.HttpProxy;
using TcpProxy = PyResolve.TestKit.TcpProxy;

namespace PyResolve.Client.Tests.Network;

/// <summary>An outage that one process of a user has found, for the others.</summary>
public sealed class SharedOutageTests : IAsyncLifetime
{
    private ScriptedServer _server = null!;
    private Ledger _ledger = null!;
    private TcpProxy _network = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string[] OutageFiles => Directory.Exists(Path.Combine(_server.Home.Path, "outages"))
        ? Directory.GetFiles(Path.Combine(_server.Home.Path, "outages"))
        : [];

    public async ValueTask InitializeAsync()
    {
        (_server, _ledger) = await Ledger.StartAsync();
        _server.On("GET /quota", Answer.Quota(0));
        _network = TcpProxy.Start(_server.Url);
        await _network.StallAsync();
    }

    [Fact]
    public async Task A_server_that_hangs_costs_the_second_process_no_time()
    {
        await using (var first = Client())
            (await first.Quota.AcquireAsync(new("pydantic"), Cancellation)).IsOffline.ShouldBeTrue();
        var connections = _network.Connections;
        await using var second = Client();

        (await second.Quota.AcquireAsync(new("pydantic"), Cancellation)).IsOffline.ShouldBeTrue();
        var check = await second.Quota.CheckAsync(MigrationTier.Tier2, Cancellation);

        check.Denial.ShouldNotBeNull().Message.ShouldContain("did not answer within 1.5 s");
        _network.Connections.ShouldBe(connections);
    }

    [Fact]
    public async Task A_retry_button_asks_past_an_outage_that_another_process_found()
    {
        await BeginAsync();
        await _network.PassAsync();
        await using var client = Client();

        (await client.Quota.AcquireAsync(new("pydantic"), Cancellation)).IsOffline.ShouldBeTrue();
        client.Quota.ForgetOutage();
        await using var permit = await client.Quota.AcquireAsync(new("pydantic"), Cancellation);

        permit.IsOffline.ShouldBeFalse();
        _ledger.Reservations.ShouldBe(1);
    }

    [Fact]
    public async Task A_retry_button_asks_past_an_outage_of_the_same_process()
    {
        await using var client = Client();
        (await client.Quota.AcquireAsync(new("pydantic"), Cancellation)).IsOffline.ShouldBeTrue();
        await _network.PassAsync();

        client.Quota.ForgetOutage();
        await using var permit = await client.Quota.AcquireAsync(new("pydantic"), Cancellation);

        permit.IsOffline.ShouldBeFalse();
    }

    [Fact]
    public async Task An_answer_to_any_process_ends_the_outage_for_all()
    {
        await BeginAsync();
        OutageFiles.Length.ShouldBe(1);
        await _network.PassAsync();
        await using (var asking = Client())
            await asking.GetQuotaAsync(Cancellation);

        OutageFiles.ShouldBeEmpty();
        await using var third = Client();
        await using var permit = await third.Quota.AcquireAsync(new("pydantic"), Cancellation);
        permit.IsOffline.ShouldBeFalse();
    }

    [Fact]
    public async Task A_process_that_gets_answers_does_not_believe_an_older_outage()
    {
        await BeginAsync();
        var written = OutageFiles.Single();
        var bytes = await File.ReadAllBytesAsync(written, Cancellation);
        await _network.PassAsync();
        await using var client = Client();
        await client.GetQuotaAsync(Cancellation);
        await File.WriteAllBytesAsync(written, bytes, Cancellation);

        await using var permit = await client.Quota.AcquireAsync(new("pydantic"), Cancellation);

        permit.IsOffline.ShouldBeFalse();
    }

    [Fact]
    public async Task A_process_with_more_patience_or_another_proxy_finds_out_by_itself()
    {
        await BeginAsync();
        await _network.PassAsync();
        await using var patient = Client(options => options.RequestTimeout = TimeSpan.FromSeconds(20));
        await using var permit = await patient.Quota.AcquireAsync(new("pydantic"), Cancellation);
        permit.IsOffline.ShouldBeFalse();

        await using var proxy = HttpProxy.Start(_server.Url);
        void Remote(PyResolveClientOptions options)
        {
            (options.ApiUrl, options.AllowInsecureHttp) = (new("http://billing.example"), true);
            options.Proxy = new WebProxy(proxy.Address);
        }

        await using (var broken = Client(options =>
        {
            Remote(options);
            options.Proxy = new WebProxy("http://127.0.0.1:1");
        }))
        {
            (await broken.Quota.AcquireAsync(new("pydantic"), Cancellation)).IsOffline.ShouldBeTrue();
        }

        await using var working = Client(Remote);
        await using var second = await working.Quota.AcquireAsync(new("pydantic"), Cancellation);
        second.IsOffline.ShouldBeFalse();
    }

    [Theory]
    [InlineData("")]
    [InlineData("no numbers\nhere\nunreachable\nwhy\nhow")]
    [InlineData("9999999999999999999\n1\nunreachable\nwhy\nhow")]
    [InlineData("638000000000000000\n50000000\nunreachable\nLong ago.\n")]
    [InlineData("3155378975999999999\n50000000\nunreachable\nIn the far future.\n")]
    public async Task A_file_that_is_damaged_old_or_from_the_future_is_ignored(string content)
    {
        await BeginAsync();
        await File.WriteAllTextAsync(OutageFiles.Single(), content, Cancellation);
        await _network.PassAsync();
        await using var client = Client();

        await using var permit = await client.Quota.AcquireAsync(new("pydantic"), Cancellation);

        permit.IsOffline.ShouldBeFalse();
    }

    [Fact]
    public async Task An_outage_is_over_for_all_processes_after_fifteen_seconds()
    {
        await BeginAsync();
        await _network.PassAsync();
        var options = new PyResolveClientOptions();
        Set(options);
        var settings = ClientSettings.From(options, _server.Home.Store);
        var file = new OutageFile(settings, static () => null);
        var now = TimeProvider.System.GetUtcNow();

        new Outage(new ShiftedClock(), file).Current.ShouldNotBeNull();
        new Outage(new ShiftedClock(TimeSpan.FromSeconds(15)), file).Current.ShouldBeNull();
        file.Read(after: now.Ticks, now.AddSeconds(1), TimeSpan.FromSeconds(15)).ShouldBeNull();
    }

    [Fact]
    public async Task Where_the_folder_cannot_be_written_each_process_finds_out_by_itself()
    {
        Directory.CreateDirectory(_server.Home.Path);
        await File.WriteAllTextAsync(Path.Combine(_server.Home.Path, "outages"), "a file, not a folder", Cancellation);

        await using var client = Client();
        (await client.Quota.AcquireAsync(new("pydantic"), Cancellation)).IsOffline.ShouldBeTrue();
        (await client.Quota.AcquireAsync(new("pydantic"), Cancellation)).IsOffline.ShouldBeTrue();
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task A_container_with_a_primary_handler_of_its_own_keeps_its_outages_to_itself(bool isReplaced)
    {
        var services = new ServiceCollection();
        var http = services.AddPyResolveClient(Set);
        if (isReplaced)
            http.ConfigurePrimaryHttpMessageHandler(static () => new SocketsHttpHandler());
        await using var provider = services.BuildServiceProvider();

        (await provider.GetRequiredService<QuotaGuard>().AcquireAsync(new("pydantic"), Cancellation)).IsOffline.ShouldBeTrue();

        OutageFiles.Length.ShouldBe(isReplaced ? 0 : 1);
    }

    [Fact]
    public async Task Disposing_does_not_wait_for_a_server_that_is_known_to_hang()
    {
        await BeginAsync();
        var client = Client(options => options.ShutdownTimeout = TimeSpan.FromSeconds(10));
        client.Usage.Report(new("scan"));
        var watch = Stopwatch.StartNew();

        await client.DisposeAsync();

        watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(3));
        _server.Home.OutboxFiles().ShouldNotBeEmpty();
    }

    public async ValueTask DisposeAsync()
    {
        await _network.DisposeAsync();
        await _server.DisposeAsync();
    }

    private async Task BeginAsync()
    {
        await using var client = Client();
        (await client.Quota.AcquireAsync(new("pydantic"), Cancellation)).IsOffline.ShouldBeTrue();
        // What still waits in the network would reach the server later.
        _network.CutAll();
    }

    private PyResolveClient Client(Action<PyResolveClientOptions>? configure = null)
    {
        var options = new PyResolveClientOptions();
        Set(options);
        configure?.Invoke(options);
        return PyResolveClient.Create(options);
    }

    private void Set(PyResolveClientOptions options)
    {
        options.ApiUrl = new($"http://{_network.EndPoint}");
        options.ApiKey = ScriptedServer.Key;
        options.Home = _server.Home.Path;
        options.RequestTimeout = TimeSpan.FromMilliseconds(1500);
        options.ShutdownTimeout = TimeSpan.Zero;
    }
}
