using System.Net;
using Microsoft.AspNetCore.HostFiltering;
using PyResolve.StripeSimulator.Api;
using PyResolve.StripeSimulator.Clock;
using PyResolve.StripeSimulator.Control;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.Pages;
using PyResolve.StripeSimulator.Webhooks;

namespace PyResolve.StripeSimulator;

/// <summary>A running simulator: Stripe's API, its hosted pages, its webhooks and the controls, over HTTP on loopback. Thread-safe.</summary>
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

    /// <summary>What goes into <c>STRIPE_API_BASE</c>.</summary>
    public Uri Address { get; }

    /// <summary>What goes into <c>STRIPE_SECRET_KEY</c>.</summary>
    public string SecretKey { get; }

    /// <summary>The controls.</summary>
    public Simulation Simulation { get; }

    /// <summary>Starts a simulator, empty.</summary>
    /// <exception cref="InvalidOperationException">The environment is Production, or the key is not a test key.</exception>
    /// <exception cref="IOException">The port is taken.</exception>
    public static async Task<StripeSimulatorHost> StartAsync(StripeSimulatorOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new StripeSimulatorOptions();
        if (string.Equals(options.Environment, Environments.Production, StringComparison.OrdinalIgnoreCase))
            throw new InvalidOperationException("The Stripe simulator does not run in Production: its subscriptions are paid by nobody.");
        if (!options.SecretKey.StartsWith("sk_test_", StringComparison.Ordinal))
            throw new InvalidOperationException("The Stripe simulator's key begins with sk_test_. A live key does not belong here.");
        if (!VersionChanges.IsVersion(options.ApiVersion))
            throw new InvalidOperationException($"'{options.ApiVersion}' is not an API version, such as {StripeSimulatorOptions.PinnedApiVersion}.");

        var app = Build(options);
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch
        {
            // The pump may run already, and ends before what it uses does.
            await app.StopAsync(CancellationToken.None);
            await app.DisposeAsync();
            throw;
        }

        return new StripeSimulatorHost(app, app.Services.GetRequiredService<Simulation>(), options.SecretKey);
    }

    /// <summary>Runs until the process is told to stop.</summary>
    public Task WaitForShutdownAsync(CancellationToken cancellationToken = default) => _app.WaitForShutdownAsync(cancellationToken);

    /// <summary>Stops, and forgets everything.</summary>
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
            // A start that fails is told in one line by whoever asked for it; the host would add a stack trace.
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
            .AddSingleton<World>()
            .AddSingleton<Faults>()
            .AddSingleton<RequestLog>()
            .AddSingleton<StripeApi>()
            .AddSingleton(static services => new Simulation(
                services.GetRequiredService<World>(),
                services.GetRequiredService<Faults>(),
                services.GetRequiredService<RequestLog>(),
                services.GetRequiredService<DeliveryPump>()))
            .AddSingleton<DeliveryPump>()
            .AddHostedService(static services => services.GetRequiredService<DeliveryPump>());

        var app = builder.Build();
        app.Lifetime.ApplicationStarted.Register(() => hasStarted = true);
        // A page elsewhere must not reach the simulator under a name of its own that leads to this machine.
        app.UseHostFiltering();
        app.Use(OwnOrigin.CheckAsync);
        app.UseRouting();
        var api = app.Services.GetRequiredService<StripeApi>();
        app.Map("/v1/{**rest}", api.HandleAsync);
        app.MapHomePage();
        app.MapCheckoutPages();
        app.MapPortalPages();
        app.MapPageAssets();
        app.MapControl();
        return app;
    }
}
