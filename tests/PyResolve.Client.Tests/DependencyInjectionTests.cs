using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace PyResolve.Client.Tests;

public sealed class DependencyInjectionTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_section_is_bound_and_code_overrides_it()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On("GET /quota", Answer.Quota(1));
        var builder = QuietHost();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["PyResolve:ApiUrl"] = server.Url.AbsoluteUri,
            ["PyResolve:ApiKey"] = "pyr_live_of_the_section",
            ["PyResolve:RequestTimeout"] = "00:00:30",
        });
        builder.Services.AddPyResolveClient(options => options.ApiKey = ScriptedServer.Key);
        using var host = builder.Build();

        await host.Services.GetRequiredService<PyResolveClient>().GetQuotaAsync(Cancellation);

        server.Requests.Single().Header("X-API-Key").ShouldBe(ScriptedServer.Key);
        host.Services.GetRequiredService<IOptions<PyResolveClientOptions>>().Value.RequestTimeout.ShouldBe(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task All_parts_are_injectable_and_share_one_queue_without_any_configuration()
    {
        await using var server = await ScriptedServer.StartAsync();
        var services = new ServiceCollection();
        services.AddPyResolveClient(options => (options.ApiUrl, options.ApiKey) = (server.Url, ScriptedServer.Key));
        services.AddPyResolveClient();
        services.AddTransient<Upgrader>();
        await using var provider =
            services.BuildServiceProvider(new ServiceProviderOptions { ValidateScopes = true, ValidateOnBuild = true });

        await using var first = provider.CreateAsyncScope();
        var upgrader = first.ServiceProvider.GetRequiredService<Upgrader>();

        upgrader.Usage.ShouldBeSameAs(provider.GetRequiredService<PyResolveClient>().Usage);
        upgrader.Guard.ShouldBeSameAs(upgrader.Api.Quota);
        upgrader.Keys.ShouldBeSameAs(upgrader.Api.Keys);
    }

    [Fact]
    public async Task Pending_events_are_sent_when_the_host_shuts_down()
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var _ = server;
        var builder = QuietHost();
        builder.Services.AddPyResolveClient(options => (options.ApiUrl, options.ApiKey) = (server.Url, ScriptedServer.Key));
        var host = builder.Build();
        var running = host.RunAsync(Cancellation);

        for (var i = 0; i < 20; i++)
            host.Services.GetRequiredService<UsageReporter>().Report(new("scan"));
        host.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
        await running;

        ledger.Charges.ShouldBe(20);
    }

    [Fact]
    public async Task A_container_can_be_disposed_of_without_await()
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var _ = server;
        var services = new ServiceCollection();
        services.AddPyResolveClient(options => (options.ApiUrl, options.ApiKey) = (server.Url, ScriptedServer.Key));
        using (var provider = services.BuildServiceProvider())
            provider.GetRequiredService<PyResolveClient>().Usage.Report(new("scan"));

        ledger.Charges.ShouldBe(1);
    }

    [Fact]
    public void An_invalid_option_is_named()
    {
        var services = new ServiceCollection();
        services.AddPyResolveClient(options => options.RequestTimeout = TimeSpan.Zero);
        using var provider = services.BuildServiceProvider();

        Should.Throw<OptionsValidationException>(provider.GetRequiredService<PyResolveClient>).Message.ShouldContain("RequestTimeout");
    }

    [Fact]
    public async Task Custom_handlers_are_used_and_no_key_is_logged()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On("GET /quota", request => request.Header("X-Corporate") == "yes" ? Answer.Quota(0) : Answer.Html());
        using var log = new RecordedLog();
        var services = new ServiceCollection();
        services.AddLogging(logging => logging.SetMinimumLevel(LogLevel.Trace).AddProvider(log));
        services.AddPyResolveClient(options => (options.ApiUrl, options.ApiKey) = (server.Url, ScriptedServer.Key))
            .AddHttpMessageHandler(() => new CorporateHandler())
            .AddDefaultLogger();
        await using var provider = services.BuildServiceProvider();

        await provider.GetRequiredService<PyResolveClient>().GetQuotaAsync(Cancellation);

        log.Lines.ShouldContain(line => line.Contains("X-API-Key"));
        log.Lines.ShouldNotContain(line => line.Contains(ScriptedServer.Key));
    }

    private static HostApplicationBuilder QuietHost()
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        return builder;
    }

    private sealed class Upgrader(QuotaGuard guard, UsageReporter usage, ApiKeyStore keys, PyResolveClient api)
    {
        public QuotaGuard Guard => guard;

        public UsageReporter Usage => usage;

        public ApiKeyStore Keys => keys;

        public PyResolveClient Api => api;
    }

    private sealed class CorporateHandler : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.Headers.Add("X-Corporate", "yes");
            return base.SendAsync(request, cancellationToken);
        }
    }
}
