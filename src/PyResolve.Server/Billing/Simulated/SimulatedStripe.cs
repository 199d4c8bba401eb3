using System.Security.Cryptography;
using PyResolve.Server.Billing.Operator;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Hosting;
using PyResolve.Server.Plans;
using PyResolve.Server.Quota;
using PyResolve.StripeSimulator;

namespace PyResolve.Server.Billing.Simulated;

/// <summary>
/// A Stripe for a server in Development that was told of none: a simulator in this process, over real HTTP on loopback, with the products,
/// prices and portal that <c>stripe setup</c> makes. Elsewhere its assembly is not even loaded.
/// </summary>
internal sealed class SimulatedStripe : IAsyncDisposable
{
    private readonly StripeSimulatorHost _host;
    private readonly string _webhookSecret;

    private SimulatedStripe(StripeSimulatorHost host, string webhookSecret)
    {
        _host = host;
        _webhookSecret = webhookSecret;
    }

    /// <summary>Of the page where time passes and payments fail.</summary>
    public Uri Address => _host.Address;

    public static bool IsWanted(IConfiguration configuration, IHostEnvironment environment) =>
        environment.IsDevelopment()
        && ServerOptions.Text(configuration, "STRIPE_SECRET_KEY") is null
        && ServerOptions.Text(configuration, "STRIPE_API_BASE") is null;

    /// <summary>Starts one, and puts before all other configuration what an operator would set to sell by it.</summary>
    /// <param name="builder">The server's, which listens nowhere yet.</param>
    /// <param name="cancellationToken">Abandons the start.</param>
    /// <exception cref="InvalidConfigurationException">The rest of the configuration cannot work.</exception>
    public static async Task<SimulatedStripe> StartAsync(WebApplicationBuilder builder, CancellationToken cancellationToken)
    {
        var configuration = builder.Configuration;
        var plans = new PlanCatalog(configuration);
        var host = await StripeSimulatorHost.StartAsync(
            new StripeSimulatorOptions { Environment = builder.Environment.EnvironmentName, Logs = true }, cancellationToken);
        try
        {
            var webhookSecret = $"whsec_{RandomNumberGenerator.GetHexString(32, lowercase: true)}";
            configuration.AddInMemoryCollection([
                new("STRIPE_API_BASE", host.Address.ToString()),
                new("STRIPE_SECRET_KEY", host.SecretKey),
                new("STRIPE_WEBHOOK_SECRET", webhookSecret),
            ]);
            configuration.AddInMemoryCollection(await SetUpAsync(BillingOptions.Read(configuration), plans, cancellationToken));
            return new SimulatedStripe(host, webhookSecret);
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>Events go there from now on.</summary>
    public void SendTo(Uri webhooks) => _host.Simulation.AddWebhookEndpoint(webhooks, _webhookSecret, BillingOptions.PinnedApiVersion);

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    private static async Task<Dictionary<string, string?>> SetUpAsync(BillingOptions options, PlanCatalog plans, CancellationToken cancellationToken)
    {
        var catalog = new StripeCatalog(BillingServices.CreateGateway(options), plans);
        var prices = new List<StripePrice>();
        foreach (var plan in PlanCatalog.Sold)
            prices.Add(await catalog.EnsurePriceAsync(plan, TextWriter.Null, cancellationToken));
        // Each visit says where it leads back to.
        var portal = await catalog.EnsurePortalAsync(prices, options.ApiBase.ToString(), cancellationToken);
        return new Dictionary<string, string?>(PlanCatalog.Sold.Zip(prices, static (plan, price) => KeyValuePair.Create(BillingOptions.PriceVariable(plan), (string?)price.Id)))
        {
            ["STRIPE_PORTAL_CONFIGURATION"] = portal.Id,
        };
    }
}
