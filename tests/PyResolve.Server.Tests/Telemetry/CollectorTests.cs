using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using PyResolve.Client;

namespace PyResolve.Server.Tests.Telemetry;

/// <summary>What a collector of OpenTelemetry is sent.</summary>
public sealed class CollectorTests(SharedServers servers)
{
    [Fact]
    public async Task A_call_of_the_SDK_and_the_servers_work_for_it_are_one_trace()
    {
        await using var collector = await Collector.StartAsync();
        await using var store = await TestStore.CreateAsync(StorageEngine.Postgres, servers.Postgres);
        await using var server = await ServerProcess.StartAsync(
            new Dictionary<string, string?>(collector.Settings.Concat(store.Settings)), TestContext.Current.CancellationToken);
        var account = await TestAccount.SignUpAsync(server.Http);
        var traces = new ConcurrentBag<ActivityTraceId>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == "PyResolve.Client",
            Sample = static (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStarted = activity => traces.Add(activity.TraceId),
        };
        ActivitySource.AddActivityListener(listener);
        await using var client = PyResolveClient.Create(new PyResolveClientOptions { ApiUrl = server.Address, ApiKey = account.ApiKey });
        using var caller = new Activity("a program that uses the SDK").Start();

        await client.GetQuotaAsync(TestContext.Current.CancellationToken);

        traces.ShouldContain(caller.TraceId);
        await Eventually.IsTrueAsync(
            () => collector.Has("traces", Convert.FromHexString(caller.TraceId.ToHexString())) && collector.Has("traces", "Npgsql"u8),
            cancellationToken: TestContext.Current.CancellationToken);
        collector.Has("traces", "pyresolve-server"u8).ShouldBeTrue();
    }

    [Theory]
    [InlineData("metrics", "pyresolve.reservations")]
    [InlineData("metrics", "http.server.request.duration")]
    [InlineData("logs", "PyResolve:SesionDays")]
    public async Task Metrics_and_the_log_reach_the_collector(string kind, string text)
    {
        await using var collector = await Collector.StartAsync();
        await using var server = await ServerProcess.StartAsync(
            new Dictionary<string, string?>(collector.Settings) { ["PyResolve__SesionDays"] = "7" }, TestContext.Current.CancellationToken);
        var account = await TestAccount.SignUpAsync(server.Http);
        await account.ReserveAsync();

        await Eventually.IsTrueAsync(
            () => collector.Has(kind, Encoding.UTF8.GetBytes(text)), cancellationToken: TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData("TRACES", true, false, false)]
    [InlineData("METRICS", false, true, false)]
    [InlineData("LOGS", false, false, true)]
    public async Task A_collector_for_one_kind_is_sent_nothing_else_and_nothing_else_is_recorded(
        string kind, bool traces, bool metrics, bool logs)
    {
        await using var collector = await Collector.StartAsync();
        var settings = new Dictionary<string, string?>(collector.Settings);
        settings.Remove("OTEL_EXPORTER_OTLP_ENDPOINT", out var address);
        settings[$"OTEL_EXPORTER_OTLP_{kind}_ENDPOINT"] = $"{address}/v1/{kind.ToLowerInvariant()}";
        var builder = ServerApp.CreateBuilder([]);
        await using var store = await TestStore.CreateAsync(StorageEngine.Sqlite, servers.Postgres);
        builder.Configuration.AddInMemoryCollection(settings.Concat(store.Settings));
        await using (var app = ServerApp.Build(builder))
        {
            (app.Services.GetService<TracerProvider>() is not null).ShouldBe(traces);
            (app.Services.GetService<MeterProvider>() is not null).ShouldBe(metrics);
            (app.Services.GetService<LoggerProvider>() is not null).ShouldBe(logs);
        }

        settings["PyResolve__SesionDays"] = "7";
        await using var server = await ServerProcess.StartAsync(settings, TestContext.Current.CancellationToken);
        await TestAccount.SignUpAsync(server.Http);

        await Eventually.IsTrueAsync(
            () => collector.Has(kind.ToLowerInvariant(), "pyresolve-server"u8), cancellationToken: TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task No_key_password_session_or_token_of_a_link_is_sent()
    {
        await using var collector = await Collector.StartAsync();
        await using var store = await TestStore.CreateAsync(StorageEngine.Postgres, servers.Postgres);
        await using var server = await ServerProcess.StartAsync(
            new Dictionary<string, string?>(collector.Settings.Concat(store.Settings)) { ["PyResolve__RequestLog"] = "true" },
            TestContext.Current.CancellationToken);
        var account = await TestAccount.SignUpAsync(server.Http);
        var anonymous = new Caller(server.Http);
        await account.Key.GetAsync("/quota");
        await anonymous.GetAsync("/reset-password?token=hunter2");
        await anonymous.GetAsync("/the-last-request");
        await Eventually.IsTrueAsync(
            () => collector.Has("traces", "/the-last-request"u8) && collector.Has("logs", "/the-last-request"u8),
            cancellationToken: TestContext.Current.CancellationToken);

        foreach (var secret in new[] { account.ApiKey, TestAccount.Password, account.SessionToken, "hunter2" })
            collector.HasAnywhere(Encoding.UTF8.GetBytes(secret)).ShouldBeFalse(secret);
    }

    [Fact]
    public async Task A_collector_that_does_not_answer_costs_no_request_anything()
    {
        using var silent = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        silent.Start();
        await using var server = await ServerProcess.StartAsync(
            new Dictionary<string, string?>
            {
                ["OTEL_EXPORTER_OTLP_ENDPOINT"] = $"http://{silent.LocalEndpoint}",
                ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
                ["OTEL_EXPORTER_OTLP_TIMEOUT"] = "1000",
            },
            TestContext.Current.CancellationToken);
        var account = await TestAccount.SignUpAsync(server.Http);

        var statuses = new List<int>();
        for (var request = 0; request < 50; request++)
            statuses.Add((await account.Key.GetAsync("/quota")).Status);

        statuses.ShouldAllBe(static status => status == 200);
    }
}
