using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace PyResolve.Client.Tests;

/// <summary>The client's telemetry. It runs alone, because the counters belong to the process.</summary>
[Collection(nameof(EnvironmentTests))]
public sealed class TelemetryTests : IAsyncLifetime
{
    private readonly RecordedTelemetry _telemetry = new();
    private ScriptedServer _server = null!;
    private Ledger _ledger = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => (_server, _ledger) = await Ledger.StartAsync();

    [Fact]
    public void The_meter_and_the_activity_source_have_the_version_of_the_package()
    {
        ClientTelemetry.Version.ShouldNotBeEmpty();
        ClientTelemetry.Requests.Meter.Version.ShouldBe(ClientTelemetry.Version);
        ClientTelemetry.Activities.Version.ShouldBe(ClientTelemetry.Version);
    }

    [Fact]
    public async Task A_call_is_a_span_with_its_route_and_status_under_the_callers_span()
    {
        await using var client = _server.Client();
        using var own = new Activity("upgrade").Start();

        await using (var permit = await client.Quota.AcquireAsync(new("pydantic"), Cancellation))
            await permit.CompleteAsync(new(), Cancellation);

        var spans = _telemetry.Spans.Where(span => span.TraceId == own.TraceId).ToList();
        spans.Select(span => span.DisplayName).ShouldBe(["POST /quota/reservations", "POST /quota/reservations/{id}/commit"]);
        spans.ShouldAllBe(span => span.Kind == ActivityKind.Client && span.ParentSpanId == own.SpanId);
        spans[1].TagObjects.ShouldBe(
            [
                new("http.request.method", "POST"), new("url.template", "/quota/reservations/{id}/commit"), new(
                    "server.address", _server.Url.Host),
                new("server.port", _server.Url.Port), new("http.response.status_code", 200),
            ],
            ignoreOrder: true);
    }

    [Fact]
    public async Task A_failed_call_has_its_code_and_no_key_appears_anywhere()
    {
        _server.On("GET /quota", Answer.Problem(401, "unauthenticated", $"{ScriptedServer.Key} is no key."));
        await using var client = _server.Client();

        await Should.ThrowAsync<PyResolveException>(() => client.GetQuotaAsync(Cancellation));

        var span = _telemetry.Spans.Single(
            span => span.DisplayName == "GET /quota" && span.GetTagItem("server.port") is int port && port == _server.Url.Port);
        span.Status.ShouldBe(ActivityStatusCode.Error);
        (span.GetTagItem("error.type"), span.GetTagItem("http.response.status_code"), span.GetTagItem("pyresolve.request_id"))
            .ShouldBe(("unauthenticated", 401, "req-1"));
        _telemetry.Text.ShouldNotContain(ScriptedServer.Key);
        _telemetry.Sum("pyresolve.client.requests", "error.type", "unauthenticated").ShouldBe(1);
    }

    [Fact]
    public async Task Retries_outages_and_denials_are_counted()
    {
        _server.On("GET /quota", Answer.Quota(0)).LoseAnswers("GET /quota", 1);
        await using (var client = _server.Client())
            await client.GetQuotaAsync(Cancellation);
        await using (var offline = _server.ClientWithoutNetwork())
        {
            await Should.ThrowAsync<PyResolveException>(() => offline.GetPlansAsync(Cancellation));
            await Should.ThrowAsync<PyResolveException>(() => offline.GetPlansAsync(Cancellation));
        }

        await using (var anonymous = _server.Client(options => options.ApiKey = null))
            (await anonymous.Quota.AcquireAsync(new("pydantic", MigrationTier.Tier2), Cancellation)).IsGranted.ShouldBeFalse();

        _telemetry.Sum("pyresolve.client.retries", "url.template", "/quota").ShouldBe(1);
        _telemetry.Sum("pyresolve.client.outages").ShouldBe(1);
        _telemetry.Sum("pyresolve.client.quota.denials", "error.type", PyResolveErrorCodes.LoginRequired).ShouldBe(1);
    }

    [Fact]
    public async Task The_metrics_of_the_outbox_have_pending_sent_and_rejected_events()
    {
        var clock = new ShiftedClock();
        await using (var offline = new PyResolveClient(
            new()
            {
                ApiUrl = _server.Url,
                ApiKey = ScriptedServer.Key,
                Home = _server.Home.Path,
                OutboxCapacity = 3,
                ShutdownTimeout = TimeSpan.Zero,
            },
            () => throw new HttpRequestException("No network."), ownHttp: null, clock))
        {
            for (var i = 0; i < 4; i++)
                offline.Usage.Report(new("scan"));
            clock.Advance(TimeSpan.FromMinutes(5));

            _telemetry.Observe("pyresolve.client.usage.pending").ShouldBe(3);
            _telemetry.Observe("pyresolve.client.usage.oldest_age").ShouldBeInRange(300, 330);
        }

        _server.On("POST /usage", Answer.Problem(422, "invalid", "A rule is broken."));
        await using (var client = _server.Client())
            await client.Usage.FlushAsync(Cancellation);

        _telemetry.Observe("pyresolve.client.usage.pending").ShouldBe(0);
        _telemetry.Sum("pyresolve.client.usage.refused", "error.type", "Full").ShouldBe(1);
        _telemetry.Sum("pyresolve.client.usage.sent").ShouldBe(3);
    }

    [Fact]
    public async Task Usage_that_is_sent_in_the_background_has_no_parent_span()
    {
        await using var client = _server.Client();
        using (new Activity("upgrade").Start())
            client.Usage.Report(new("scan"));
        await client.Usage.FlushAsync(Cancellation);

        _telemetry.Spans.Where(span => span.DisplayName == "POST /usage").ShouldNotBeEmpty();
        _telemetry.Spans.Where(span => span.DisplayName == "POST /usage").ShouldAllBe(span => span.ParentSpanId == default);
    }

    [Fact]
    public async Task The_start_and_the_end_of_an_outage_are_logged_once()
    {
        var isDown = true;
        _server.On("GET /plans", _ => isDown ? Answer.ConnectionClosed : Answer.Json(200, """{"data":[]}"""));
        using var log = new RecordedLog();
        var services = new ServiceCollection();
        services.AddLogging(logging => logging.AddProvider(log));
        services.AddPyResolveClient(
            options => (options.ApiUrl, options.ApiKey, options.Home) = (_server.Url, ScriptedServer.Key, _server.Home.Path));
        await using var provider = services.BuildServiceProvider();
        var client = provider.GetRequiredService<PyResolveClient>();

        await Should.ThrowAsync<PyResolveException>(() => client.GetPlansAsync(Cancellation));
        await Should.ThrowAsync<PyResolveException>(() => client.GetPlansAsync(Cancellation));
        isDown = false;
        await client.GetPlansAsync(Cancellation);

        log.Lines.Count(line => line.StartsWith("Cannot reach ", StringComparison.Ordinal)).ShouldBe(1);
        log.Lines.Count(line => line.EndsWith(" answers again", StringComparison.Ordinal)).ShouldBe(1);
    }

    public async ValueTask DisposeAsync()
    {
        _telemetry.Dispose();
        await _server.DisposeAsync();
    }
}
