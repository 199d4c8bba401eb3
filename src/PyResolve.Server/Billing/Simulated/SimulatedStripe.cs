using System.Security.Cryptography;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Operator;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Hosting;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Billing.Simulated;

/// <summary>A simulator in this process, over real HTTP on loopback, with the products, prices and portal of <c>stripe setup</c>.</summary>
internal sealed class SimulatedStripe : IAsyncDisposable
{
    private readonly IAsyncDisposable _host;
    private readonly Action<Uri> _addWebhookEndpoint;

    private SimulatedStripe(IAsyncDisposable host, Uri address, Action<Uri> addWebhookEndpoint)
    {
        _host = host;
        _addWebhookEndpoint = addWebhookEndpoint;
        Address = address;
    }

    public Uri Address { get; }

    public static bool IsWanted(IConfiguration configuration, IHostEnvironment environment) =>
        environment.IsDevelopment()
        && ServerOptions.Text(configuration, "STRIPE_SECRET_KEY") is null
        && ServerOptions.Text(configuration, "STRIPE_API_BASE") is null;

    /// <summary>
    /// Starts a simulator, and puts its settings before all other configuration. null where none is beside the server, because it was
    /// published.
    /// </summary>
    public static async Task<SimulatedStripe?> StartAsync(WebApplicationBuilder builder, CancellationToken cancellationToken)
    {
        if (!SimulatorAssembly.Exists)
            return null;
        var configuration = builder.Configuration;
        var plans = new PlanCatalog(configuration);
        var simulator = await SimulatorAssembly.StartAsync(builder.Environment.EnvironmentName, cancellationToken);
        try
        {
            var webhookSecret = $"whsec_{RandomNumberGenerator.GetHexString(32, lowercase: true)}";
            configuration.AddInMemoryCollection([
                new("STRIPE_API_BASE", simulator.Address.ToString()),
                new("STRIPE_SECRET_KEY", simulator.SecretKey),
                new("STRIPE_WEBHOOK_SECRET", webhookSecret),
            ]);
            configuration.AddInMemoryCollection(await SetUpAsync(BillingOptions.Read(configuration), plans, cancellationToken));
            return new SimulatedStripe(
                simulator.Host,
                simulator.Address,
                url => simulator.AddWebhookEndpoint(url, webhookSecret, BillingOptions.PinnedApiVersion));
        }
        catch
        {
            await simulator.Host.DisposeAsync();
            throw;
        }
    }

    public void AddWebhookEndpoint(Uri url) => _addWebhookEndpoint(url);

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    private static async Task<Dictionary<string, string?>> SetUpAsync(
        BillingOptions options, PlanCatalog plans, CancellationToken cancellationToken)
    {
        var catalog = new StripeCatalog(new StripeGateway(options, TimeProvider.System), plans, options);
        var prices = await catalog.EnsurePricesAsync(TextWriter.Null, cancellationToken);
        var others = await catalog.EnsureOtherPricesAsync(TextWriter.Null, cancellationToken);
        // Each portal session has its own return URL.
        var portal = await catalog.EnsurePortalAsync(
            prices, options.ApiBase.ToString(), TextWriter.Null, cancellationToken);
        var settings = prices.Concat(others).ToDictionary(static sold => sold.Price.Variable, static string? (sold) => sold.Made.Id);
        settings["STRIPE_PORTAL_CONFIGURATION"] = portal.Id;
        return settings;
    }
}
