using System.Net;

namespace PyResolve.Server.Tests.Telemetry;

/// <summary>What Prometheus reads, and where it cannot.</summary>
public sealed class MetricsTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task Prometheus_reads_what_the_server_has_counted(StorageEngine engine)
    {
        await using var metered = await MeteredServer.StartAsync(engine, servers.Postgres);
        var account = await metered.SignUpAsync();
        var held = (await account.ReserveAsync())["id"].GetGuid();
        await account.CommitAsync(held);
        await account.ReleaseAsync((await account.ReserveAsync())["id"].GetGuid());
        for (var sent = 0; sent < 2; sent++)
            await account.Key.PostAsync("/usage", new { event_type = "migration", id = "0198f1a2-0000-7000-8000-000000000001" });
        await new Caller(metered.Server.Http, "X-API-Key", $"pyr_live_{new string('0', 48)}").GetAsync("/quota");

        // The text of a scrape is kept for 300 ms.
        var read = await metered.ReadAsync();
        await Eventually.IsTrueAsync(
            async () => (read = await metered.ReadAsync()).Of("pyresolve_key_checks_total", "result=\"refused\"") == 1,
            cancellationToken: TestContext.Current.CancellationToken);

        read.Of("pyresolve_reservations_total", "outcome=\"granted\"").ShouldBe(2);
        read.Of("pyresolve_settlements_total", "outcome=\"committed\"").ShouldBe(1);
        read.Of("pyresolve_settlements_total", "outcome=\"released\"").ShouldBe(1);
        read.Of("pyresolve_usage_events_total", "outcome=\"recorded\"").ShouldBe(1);
        read.Of("pyresolve_usage_events_total", "outcome=\"repeated\"").ShouldBe(1);
        read.Of("pyresolve_key_checks_total", "result=\"refused\"").ShouldBe(1);
        read.Of("pyresolve_key_checks_total", "result=\"remembered\"").ShouldBeGreaterThan(0);
        read.Of("pyresolve_store_ready").ShouldBe(1);
        read.Of("pyresolve_stripe_events_dead").ShouldBe(0);
    }

    [Fact]
    public async Task Each_kind_of_refusal_is_a_series_before_the_first_one()
    {
        await using var metered = await MeteredServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);

        var read = await metered.ReadAsync();

        string[] kinds = ["login_failed", "throttled", "credential_refused", "cross_origin_refused", "webhook_signature_refused"];
        kinds.ShouldAllBe(kind => read.Of("pyresolve_security_refusals_total", $"kind=\"{kind}\"") == 0);
    }

    [Fact]
    public async Task The_address_for_people_has_no_metrics_and_that_of_the_metrics_has_nothing_else()
    {
        await using var metered = await MeteredServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);
        using var http = new HttpClient();

        using var atThePublicAddress = await metered.Server.Http.GetAsync(
            new Uri("/metrics", UriKind.Relative), TestContext.Current.CancellationToken);
        using var anotherPath = await http.GetAsync(new Uri(metered.Metrics, "/plans"), TestContext.Current.CancellationToken);
        using var below = await http.GetAsync(new Uri(metered.Metrics, "/metrics/x"), TestContext.Current.CancellationToken);

        atThePublicAddress.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        anotherPath.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        below.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Theory, OnBothEngines]
    public async Task A_store_that_accepts_no_writes_is_a_figure_and_the_metrics_stay_readable(StorageEngine engine)
    {
        await using var metered = await MeteredServer.StartAsync(engine, servers.Postgres);
        await metered.Store.ExecuteSqlAsync("drop table write_checks");

        await Eventually.IsTrueAsync(
            async () => (await metered.ReadAsync()).Of("pyresolve_store_ready") == 0,
            within: TimeSpan.FromSeconds(30),
            TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData("9464")]
    [InlineData("localhost:9464")]
    [InlineData("https://127.0.0.1:9464")]
    [InlineData("http://127.0.0.1:9464/metrics")]
    [InlineData("http://127.0.0.1:9464;nonsense")]
    public async Task An_address_that_is_none_is_refused_with_one_that_would_do(string urls)
    {
        var refused = await ServeAsync(urls);

        refused.ExitCode.ShouldBe(2);
        refused.Error.ShouldContain("PYRESOLVE_METRICS_URLS");
        refused.Error.ShouldContain("http://127.0.0.1:9464");
        refused.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length.ShouldBe(1);
    }

    [Fact]
    public async Task An_address_that_another_program_has_ends_the_start_with_one_line_that_names_it()
    {
        using var taken = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        taken.Start();

        var refused = await ServeAsync($"http://{taken.LocalEndpoint}");

        refused.ExitCode.ShouldBe(1);
        refused.Error.ShouldContain($"http://{taken.LocalEndpoint}");
        refused.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length.ShouldBe(1);
    }

    private async Task<CommandResult> ServeAsync(string urls)
    {
        await using var store = await TestStore.CreateAsync(StorageEngine.Sqlite, servers.Postgres);
        return await ServerProcess.RunAsync(
            [],
            new Dictionary<string, string?>(store.Settings)
            {
                ["PYRESOLVE_METRICS_URLS"] = urls, ["ASPNETCORE_URLS"] = "http://127.0.0.1:0",
            },
            TestContext.Current.CancellationToken);
    }
}
