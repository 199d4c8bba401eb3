using PyResolve.Server.Billing.Checkout;
using PyResolve.Server.Billing.Emails;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Metering;
using PyResolve.Server.Billing.Operator;
using PyResolve.Server.Billing.Reconciliation;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Billing.Webhooks;
using PyResolve.Server.Ledger;

namespace PyResolve.Server.Billing;

internal static class BillingServices
{
    public static IServiceCollection AddBilling(this IServiceCollection services, IConfiguration configuration)
    {
        var options = BillingOptions.Read(configuration);
        services
            .AddSingleton(options)
            .AddSingleton(static provider => CreditOriginsOf(provider.GetRequiredService<BillingOptions>()))
            .AddSingleton<IStripeGateway>(
                static provider => new StripeGateway(provider.GetRequiredService<BillingOptions>(), TimeProvider.System))
            .AddSingleton<BillingLimits>()
            .AddSingleton<BillingLinks>()
            .AddSingleton<PriceMap>()
            .AddSingleton<BillingCustomers>()
            .AddSingleton<SyncTokens>()
            .AddSingleton<SyncResults>()
            .AddSingleton<CustomerAdoption>()
            .AddSingleton<UnclaimedCustomers>()
            .AddSingleton<DisputeMarks>()
            .AddSingleton<CustomerSync>()
            .AddSingleton<ReturnSync>()
            .AddSingleton<CustomerLinks>()
            .AddSingleton<CheckoutAttempts>()
            .AddSingleton<Checkouts>()
            .AddSingleton<BillingInvoices>()
            .AddSingleton<Inbox>()
            .AddSingleton<MeterReports>()
            .AddSingleton<MeterSender>()
            .AddSingleton<CreditSync>()
            .AddSingleton<OverageItems>()
            .AddSingleton<CreditCheckouts>()
            .AddSingleton<OverageChoice>()
            .AddSingleton<PlanOverrides>()
            .AddSingleton<BillingJobs>()
            .AddSingleton<Reconciler>()
            .AddSingleton<BillingEmails>()
            .AddSingleton<BillingEmailTexts>()
            .AddSingleton<StripeCatalog>()
            .AddSingleton<StripeSetup>()
            .AddSingleton<PriceChecks>()
            .AddSingleton<UnknownPlans>()
            .AddSingleton<StripeDoctor>()
            .AddSingleton<StripeExplanation>()
            .AddHostedService<PlanEnds>()
            .AddHostedService(static provider => provider.GetRequiredService<BillingEmails>());
        if (options.IsConfigured)
            services
                .AddHostedService<InboxWorker>()
                .AddHostedService<ReconciliationJobs>();
        if (options is { IsConfigured: true, SellsOverage: true })
            services.AddHostedService<MeterWorker>();
        return services;
    }

    /// <summary>
    /// The modes of Stripe whose credits count. As for plans, what was paid for in live mode always counts; without a key, what was not
    /// paid at a simulator.
    /// </summary>
    private static CreditOrigins CreditOriginsOf(BillingOptions options) => options.IsConfigured
        ? new CreditOrigins(options.Origin, BillingOrigins.Live)
        : new CreditOrigins(BillingOrigins.Test, BillingOrigins.Live);
}
