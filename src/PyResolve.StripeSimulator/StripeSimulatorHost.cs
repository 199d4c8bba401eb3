using System.Net;
using Microsoft.AspNetCore.HostFiltering;
using PyResolve.StripeSimulator.Api;
using PyResolve.StripeSimulator.Control;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.Pages;
using PyResolve.StripeSimulator.State;
using PyResolve.StripeSimulator.Webhooks;

namespace PyResolve.StripeSimulator;

/// <summary>A running simulator on loopback: Stripe's API, hosted pages, webhooks, and the controls. Thread-safe.</summary>
public sealed class StripeSimulatorHost : IAsyncDisposable
{
    private readonly WebApplication _app;

    private StripeSimulatorHost(WebApplication app, Simulation simulation, string secretKey)
    {
        _app = app;
        Simulation = simulation;
        SecretKey = secretKey;
        Address = new Uri(app.Urls.Single());
    }

    /// <summary>The base URL of the API, for <c>STRIPE_API_BASE</c>.</summary>
    public Uri Address { get; }

    /// <summary>The API key, for <c>STRIPE_SECRET_KEY</c>.</summary>
    public string SecretKey { get; }

    public Simulation Simulation { get; }

    /// <exception cref="InvalidOperationException">The environment is Production, or an option is invalid.</exception>
    /// <exception cref="IOException">The port is in use.</exception>
    public static async Task<StripeSimulatorHost> StartAsync(
        StripeSimulatorOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new StripeSimulatorOptions();
        if (string.Equals(options.Environment, Environments.Production, StringComparison.OrdinalIgnoreCase))
            throw new InvalidOperationException("The Stripe simulator does not run in Production: nobody pays for its subscriptions.");
        if (!options.SecretKey.StartsWith("sk_test_", StringComparison.Ordinal))
            throw new InvalidOperationException("The Stripe simulator's key must begin with sk_test_. It does not accept live keys.");
        if (!ApiVersions.IsVersion(options.ApiVersion))
            throw new InvalidOperationException(
                $"'{options.ApiVersion}' is not an API version, such as {StripeSimulatorOptions.PinnedApiVersion}.");

        var app = Build(options);
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch
        {
            // The webhook sender may be running; it has to stop before the services that it uses are disposed.
            await app.StopAsync(CancellationToken.None);
            await app.DisposeAsync();
            throw;
        }

        return new StripeSimulatorHost(app, app.Services.GetRequiredService<Simulation>(), options.SecretKey);
    }

    /// <summary>Completes when the process is asked to stop.</summary>
    public Task WaitForShutdownAsync(CancellationToken cancellationToken = default) => _app.WaitForShutdownAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
    }

    private static WebApplication Build(StripeSimulatorOptions options)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { EnvironmentName = options.Environment });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Loopback, options.Port);
        });
        var hasStarted = false;
        if (options.Logs)
        {
            // The caller reports a failed start in one line; the host would add a stack trace.
            builder.Logging
                .AddSimpleConsole(static console => console.SingleLine = true)
                .SetMinimumLevel(LogLevel.Warning)
                .AddFilter("Microsoft.Extensions.Hosting.Internal.Host", level => hasStarted && level >= LogLevel.Warning);
        }

        builder.Services.AddRoutingCore();
        builder.Services.Configure<HostFilteringOptions>(static filtering => filtering.AllowedHosts = ["127.0.0.1", "localhost"]);
        builder.Services
            .AddSingleton(options)
            .AddSingleton(new SimulatorClock(options.TimeProvider))
            .AddSingleton<StripeState>()
            .AddSingleton<InjectedFailures>()
            .AddSingleton<RequestLog>()
            .AddSingleton<StripeApi>()
            .AddSingleton(static services => new Simulation(
                services.GetRequiredService<StripeState>(),
                services.GetRequiredService<InjectedFailures>(),
                services.GetRequiredService<RequestLog>(),
                services.GetRequiredService<WebhookSender>()))
            .AddSingleton<WebhookSender>()
            .AddHostedService(static services => services.GetRequiredService<WebhookSender>());

        var app = builder.Build();
        app.Lifetime.ApplicationStarted.Register(() => hasStarted = true);
        // Another site's page must not reach the simulator through a host name that resolves to this machine.
        app.UseHostFiltering();
        app.Use(SameOriginCheck.CheckAsync);
        app.UseRouting();
        var api = app.Services.GetRequiredService<StripeApi>();
        app.Map("/v1/{**rest}", api.HandleAsync);
        app.MapHomePage();
        app.MapEventPages();
        app.MapCheckoutPages();
        app.MapPortalPages();
        app.MapInvoicePages();
        app.MapPageAssets();
        app.MapControl();
        return app;
    }
}
