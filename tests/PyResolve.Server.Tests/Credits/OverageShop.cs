using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Tests.Billing;
using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Credits;

/// <summary>A server with a Stripe in memory, whose plans <c>pro</c> and <c>unlimited</c> have no quota: all use is overage.</summary>
internal static class OverageShop
{
    public static Task<BillingServer> StartAsync(
        StorageEngine engine, SharedServers servers, IEnumerable<KeyValuePair<string, string?>>? more = null, LogRecorder? log = null)
    {
        var settings = CreditShop.Settings(limit: 0);
        settings["STRIPE_PRICE_PRO_OVERAGE"] = "price_overage";
        settings["PyResolve:Credits:small:Units"] = "40";
        settings["PyResolve:Credits:small:Amount"] = "900";
        settings["STRIPE_PRICE_CREDITS_SMALL"] = "price_credits";
        settings["PyResolve:Plans:unlimited:MigrationsLimit"] = "0";
        settings["PyResolve:Plans:unlimited:Overage:UnitAmount"] = "10";
        foreach (var (name, value) in more ?? [])
            settings[name] = value;
        return BillingServer.StartAsync(engine, servers.Postgres, settings: settings, log: log);
    }

    public static async Task<Subscriber> SubscribeAsync(BillingServer shop, StripeSubscription subscription, string plan = "pro")
    {
        var subscriber = await shop.SignUpAsync();
        await subscriber.SetSubscriptionsAsync(subscription);
        await subscriber.WaitForPlanAsync(plan);
        return subscriber;
    }

    /// <summary>Sets the account's limit.</summary>
    public static Task<Answer> SetAsync(Subscriber subscriber, int cap) =>
        subscriber.Account.Key.PostAsync("/billing/overage", new { cap });

    /// <summary>Changes the customer's subscription at Stripe, and waits until the server knows it.</summary>
    public static async Task ChangeAsync(
        BillingServer shop, Subscriber subscriber, Func<StripeSubscription, StripeSubscription> change)
    {
        shop.Stripe.Set(subscriber.CustomerId, change(shop.Stripe.SubscriptionsOf(subscriber.CustomerId)[0]));
        await subscriber.SendEventAsync();
        await shop.WaitUntilProcessedAsync();
    }

    public static StripeSubscription EndingWithItsPeriod(StripeSubscription subscription) =>
        subscription.Until(Subscriptions.PeriodEnd) with { CancelAtPeriodEnd = true };
}
