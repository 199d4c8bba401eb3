using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Hosting;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Billing.Simulated;

internal sealed partial class SimulatedStripeStartup(
    BillingCustomers customers,
    CustomerSync sync,
    PublicUrl publicUrl,
    ILogger<SimulatedStripeStartup> logger,
    SimulatedStripe? stripe = null) : IHostedLifecycleService
{
    /// <summary>Takes back the plans that an earlier run's simulator granted.</summary>
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        if (stripe is null)
            return;
        var lost = 0;
        // A new simulator knows none of the earlier customers: the sync treats them like customers who were deleted at Stripe.
        await foreach (var (customer, _) in customers.ListWithProfilesAsync(cancellationToken))
        {
            await sync.RunAsync(customer.Id, cancellationToken);
            if (customer.State.Plan != PlanCatalog.Free)
                lost++;
        }

        if (lost > 0)
            Log.Forgotten(logger, lost);
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Tells the simulator the address that the server listens on, which is known only now.</summary>
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        if (stripe is null)
        {
            Log.Missing(logger);
        }
        else
        {
            stripe.AddWebhookEndpoint(new Uri($"{publicUrl.OnThisMachine}{BillingLinks.WebhooksPath}"));
            Log.Started(logger, stripe.Address);
        }

        return Task.CompletedTask;
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information,
            "STRIPE_SECRET_KEY is not set: a simulated Stripe sells the plans, and nothing is charged. Let time pass and payments fail at"
            + " {Address}. To sell through the real Stripe, set STRIPE_SECRET_KEY; a test mode key is enough")]
        public static partial void Started(ILogger logger, Uri address);

        [LoggerMessage(2, LogLevel.Information,
            "The simulated Stripe of an earlier run is gone, and the plans that it granted have ended. Accounts that lost one: {Count}")]
        public static partial void Forgotten(ILogger logger, int count);

        [LoggerMessage(3, LogLevel.Warning,
            "STRIPE_SECRET_KEY is not set, and a published server has no Stripe simulator: billing answers 503, everything else works."
            + " To get the simulator: 'dotnet tool install --global PyResolve.StripeSimulator', run 'pyresolve-stripe-simulator',"
            + " and start this server with the settings that it prints")]
        public static partial void Missing(ILogger logger);
    }
}
