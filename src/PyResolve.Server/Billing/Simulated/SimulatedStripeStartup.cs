using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Hosting;
using PyResolve.Server.Plans;
using PyResolve.Server.Quota;

namespace PyResolve.Server.Billing.Simulated;

/// <summary>Ties a simulated Stripe to the server: forgets what an earlier run's granted, tells it where events go, and says that it is there.</summary>
internal sealed partial class SimulatedStripeStartup(
    SimulatedStripe stripe, BillingCustomers customers, CustomerSync sync, PublicUrl publicUrl, ILogger<SimulatedStripeStartup> logger) : IHostedLifecycleService
{
    /// <summary>Before the first request is taken.</summary>
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        var lost = 0;
        // A simulator has no customer of an earlier one's, and what became of those is what becomes of anybody whom Stripe does not know.
        await foreach (var (customer, _) in customers.ListWithProfilesAsync(cancellationToken))
        {
            await sync.RunAsync(customer.Id, cancellationToken);
            if (customer.Standing.Plan != PlanCatalog.Free)
                lost++;
        }

        if (lost > 0)
            Log.Forgotten(logger, lost);
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Only now is it certain where the server listens.</summary>
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        stripe.SendTo(new Uri($"{publicUrl.OnThisMachine}{BillingLinks.WebhooksPath}"));
        Log.Started(logger, stripe.Address);
        return Task.CompletedTask;
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "STRIPE_SECRET_KEY is not set: a simulated Stripe sells the plans, and nothing is charged. Let time pass and payments fail at {Address}. To sell by the real one, set STRIPE_SECRET_KEY; a key of test mode will do")]
        public static partial void Started(ILogger logger, Uri address);

        [LoggerMessage(2, LogLevel.Information, "The simulated Stripe of an earlier run is gone, and with it the plans that it had granted. Accounts that lost one: {Count}")]
        public static partial void Forgotten(ILogger logger, int count);
    }
}
