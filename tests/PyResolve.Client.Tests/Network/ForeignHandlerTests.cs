using System.Diagnostics;
using System.Net;
using Microsoft.Extensions.DependencyInjection;

namespace PyResolve.Client.Tests.Network;

/// <summary>Message handlers that an application adds to all of its HTTP clients, or to this one.</summary>
public sealed class ForeignHandlerTests : IAsyncLifetime
{
    private ScriptedServer _server = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<Exception> Thrown { get; } =
    [
        new InvalidOperationException("no token"),
        new TimeoutException("too slow"),
        new AggregateException(new HttpRequestException("two at once")),
        new NotSupportedException("no"),
        new TaskCanceledException("a handler's own limit"),
    ];

    public async ValueTask InitializeAsync() => _server = await ScriptedServer.StartAsync();

    [Theory, MemberData(nameof(Thrown), DisableDiscoveryEnumeration = true)]
    public async Task Whatever_a_handler_throws_is_an_exception_of_the_client_and_work_goes_on_offline(Exception thrown)
    {
        await using var provider = Build(handler: () => new Throwing(thrown));
        var client = provider.GetRequiredService<PyResolveClient>();

        var failure = await Should.ThrowAsync<PyResolveException>(client.GetAccountAsync(Cancellation));
        var export = await Should.ThrowAsync<PyResolveException>(client.ExportUsageAsync(Stream.Null, cancellationToken: Cancellation));
        await using var permit = await client.Quota.AcquireAsync(new("pydantic", MigrationTier.Tier3), Cancellation);

        failure.Code.ShouldBeOneOf(PyResolveErrorCodes.Unreachable, PyResolveErrorCodes.Timeout);
        export.Code.ShouldBe(failure.Code);
        permit.IsOffline.ShouldBeTrue();
    }

    [Fact]
    public async Task A_cancellation_stays_one_although_a_handler_wraps_it()
    {
        using var source = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        await using var provider = Build(handler: () => new Wrapping(source));

        var cancelled = await Should.ThrowAsync<OperationCanceledException>(
            provider.GetRequiredService<PyResolveClient>().GetAccountAsync(source.Token));

        cancelled.CancellationToken.ShouldBe(source.Token);
    }

    [Fact]
    public async Task A_standard_resilience_handler_opens_no_circuit_and_takes_no_longer_than_a_call_may()
    {
        await using var provider = Build(defaults: static http => http.AddStandardResilienceHandler(static options =>
        {
            options.CircuitBreaker.MinimumThroughput = 2;
            options.CircuitBreaker.FailureRatio = 0.1;
        }));
        var client = provider.GetRequiredService<PyResolveClient>();
        _server.On("GET /me", Answer.ConnectionClosed);
        var watch = Stopwatch.StartNew();
        for (var i = 0; i < 4; i++)
        {
            (await Should.ThrowAsync<PyResolveException>(client.GetAccountAsync(Cancellation))).Code
                .ShouldBe(PyResolveErrorCodes.Unreachable);
        }

        watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(6));
        _server.Requests.Count.ShouldBe(4 * 3);
        _server.On("GET /quota", Answer.Quota(1));
        (await client.GetQuotaAsync(Cancellation)).MigrationsUsed.ShouldBe(1);
    }

    [Fact]
    public async Task A_standard_resilience_handler_repeats_nothing_that_could_take_effect_twice()
    {
        await using var provider = Build(defaults: static http => http.AddStandardResilienceHandler());
        _server.On("POST /quota/reservations", Answer.Busy(1));

        var failure = await Should.ThrowAsync<PyResolveException>(
            provider.GetRequiredService<PyResolveClient>().CreateReservationAsync(new() { Tier = "tier1" }, null, Cancellation));

        (failure.Code, failure.Status).ShouldBe((ProblemCodes.Unavailable, 503));
        _server.Requests.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_handler_of_your_own_that_repeats_everything_reserves_once(bool forAllClients)
    {
        await using var provider = forAllClients
            ? Build(defaults: static http => http.AddHttpMessageHandler(static () => new Repeating()))
            : Build(handler: static () => new Repeating());
        _server.On("POST /quota/reservations", Answer.ConnectionClosed);
        _server.On("POST /auth/device/token", Answer.Html(502));
        var client = provider.GetRequiredService<PyResolveClient>();

        var failure = await Should.ThrowAsync<PyResolveException>(
            client.CreateReservationAsync(new() { Tier = "tier1" }, null, Cancellation));
        await Should.ThrowAsync<PyResolveException>(client.RedeemDeviceCodeAsync("a-device-code", Cancellation));

        failure.Code.ShouldBe(PyResolveErrorCodes.Unreachable);
        _server.Requests.Select(request => request.Route).ShouldBe(["POST /quota/reservations", "POST /auth/device/token"]);
    }

    [Fact]
    public async Task What_is_safe_to_repeat_passes_a_repeating_handler()
    {
        await using var provider = Build(handler: static () => new Repeating());
        _server.On("GET /quota", Answer.ConnectionClosed, Answer.Quota(2));

        (await provider.GetRequiredService<PyResolveClient>().GetQuotaAsync(Cancellation)).MigrationsUsed.ShouldBe(2);
    }

    [Fact]
    public async Task Other_handlers_for_all_clients_stay()
    {
        await using var provider = Build(defaults: static http =>
        {
            http.AddStandardResilienceHandler();
            http.AddHttpMessageHandler(static () => new Marking());
        });
        _server.On("GET /quota", Answer.Quota(0));

        await provider.GetRequiredService<PyResolveClient>().GetQuotaAsync(Cancellation);

        _server.Requests.Single().Header("X-Corporate").ShouldBe("yes");
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private ServiceProvider Build(Action<IHttpClientBuilder>? defaults = null, Func<DelegatingHandler>? handler = null)
    {
        var services = new ServiceCollection();
        var client = services.AddPyResolveClient(options =>
        {
            (options.ApiUrl, options.ApiKey, options.Home) = (_server.Url, ScriptedServer.Key, _server.Home.Path);
            (options.Offline, options.ShutdownTimeout) = (OfflinePolicy.Allow, TimeSpan.Zero);
        });
        if (handler is not null)
            client.AddHttpMessageHandler(handler);
        if (defaults is not null)
            services.ConfigureHttpClientDefaults(defaults);
        return services.BuildServiceProvider();
    }

    private sealed class Throwing(Exception exception) : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromException<HttpResponseMessage>(exception);
    }

    private sealed class Wrapping(CancellationTokenSource source) : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            await source.CancelAsync();
            throw new InvalidOperationException("wrapped", new OperationCanceledException(cancellationToken));
        }
    }

    private sealed class Marking : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.Headers.Add("X-Corporate", "yes");
            return base.SendAsync(request, cancellationToken);
        }
    }

    private sealed class Repeating : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            for (var i = 0; i < 2; i++)
            {
                try
                {
                    var response = await base.SendAsync(request, cancellationToken);
                    if (response.StatusCode < HttpStatusCode.InternalServerError)
                        return response;
                    response.Dispose();
                }
                catch (HttpRequestException)
                {
                    // Again.
                }
            }

            return await base.SendAsync(request, cancellationToken);
        }
    }
}
