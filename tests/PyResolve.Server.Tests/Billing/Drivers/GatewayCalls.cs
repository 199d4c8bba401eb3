using System.Reflection;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Webhooks;

namespace PyResolve.Server.Tests.Billing;

/// <summary>Every call that the server makes to Stripe.</summary>
internal static class GatewayCalls
{
    private static readonly Guid User = Guid.Parse("019ab3c2-7d1e-7c4a-9f0b-3f1d5a6e8b90");

    public static IEnumerable<string> All => typeof(IStripeGateway).GetMethods().Select(static method => method.Name);

    /// <summary>The gateway, and the names of the calls that were made by it.</summary>
    public static (IStripeGateway Gateway, IReadOnlySet<string> Made) Record(IStripeGateway gateway)
    {
        var recorded = DispatchProxy.Create<IStripeGateway, Recorder>();
        var recorder = (Recorder)(object)recorded;
        recorder.Gateway = gateway;
        return (recorded, recorder.Made);
    }

    /// <param name="edge">Where the requests arrive.</param>
    /// <param name="stripe">Its gateway, or one that records.</param>
    public static async Task MakeEveryCallAsync(StripeEdge edge, IStripeGateway stripe)
    {
        var cancellation = TestContext.Current.CancellationToken;
        await stripe.CreateCustomerAsync(User, "ada@example.com", "cust:1", cancellation);
        await stripe.FindCustomerAsync("cus_1", cancellation);
        await stripe.CreateCheckoutAsync(
            new NewCheckout(User, "cus_1", "price_1", "https://s.example/{CHECKOUT_SESSION_ID}", "https://c.example", Attempt: 1), "co:1",
            cancellation);
        await stripe.FindCheckoutAsync("cs_test_1", cancellation);
        await stripe.ListOpenCheckoutsAsync("cus_1", cancellation);
        await stripe.ListCompletedCheckoutsAsync("cus_1", cancellation);
        await stripe.FindSubscriptionAsync("sub_1", cancellation);
        await stripe.FindInvoiceAsync("in_1", cancellation);
        await stripe.ExpireCheckoutAsync("cs_test_1", cancellation);
        await stripe.ListInvoicesAsync("cus_1", "open", "in_1", 50, cancellation);
        await stripe.FindChargeAsync("ch_1", cancellation);
        edge.Then(
            200,
            """{"has_more":false,"data":[{"id":"ch_1","disputed":true,"payment_intent":"pi_1"},{"id":"ch_2","disputed":false}]}""");
        await stripe.ListDisputesAsync("cus_1", DateTimeOffset.UnixEpoch, cancellation);
        edge.Then(200, """{"has_more":false,"data":[{"id":"sub_1","status":"active","items":{"has_more":true,"data":[]}}]}""");
        await stripe.ListSubscriptionsAsync("cus_1", cancellation);
        await foreach (var _ in stripe.ListAllSubscriptionsAsync(cancellation))
        {
            // One page.
        }

        await stripe.CancelSubscriptionAsync("sub_1", invoicesUsage: true, cancellation);
        await stripe.CreatePortalAsync("cus_1", "https://r.example", "bpc_1", cancellation);
        await stripe.FindProductAsync("prod_1", cancellation);
        await stripe.CreateProductAsync(new NewProduct("pyresolve_pro", "PyResolve Pro", "pro", "txcd_10103001"), cancellation);
        await stripe.UpdateProductAsync("prod_1", "Tidyline Pro", "txcd_10103001", cancellation);
        await stripe.FindPriceAsync("price_1", cancellation);
        await stripe.FindPriceByLookupKeyAsync("pyresolve_pro", cancellation);
        await stripe.CreatePriceAsync(new NewPrice("prod_1", "pyresolve_pro", 1900, "usd", "month"), cancellation);
        var portal = PortalContents.Of([new StripePrice("price_1") { Product = "prod_1" }], "https://r.example", edge.Options);
        await stripe.ListPortalConfigurationsAsync(cancellation);
        await stripe.CreatePortalConfigurationAsync(portal, cancellation);
        await stripe.UpdatePortalConfigurationAsync("bpc_1", portal, cancellation);
        await stripe.TryCheckoutAsync(
            new NewCheckout(User, CustomerId: null, "price_1", "https://s.example", "https://c.example", Attempt: 1), cancellation);
        await stripe.TryPurchaseAsync(
            new NewPurchase(User, CustomerId: null, "price_1", "https://s.example", "https://c.example") { Units = 100 }, cancellation);
        await stripe.CreateSetupAsync(
            new NewSetup(User, "cus_1", "sub_1", "eur", "https://s.example", "https://c.example", Attempt: 1), "k2", cancellation);
        await stripe.ListMissingPermissionsAsync(cancellation);
        await stripe.FindSetupPaymentMethodAsync("cs_1", cancellation);
        await stripe.ResumeSubscriptionAsync("sub_1", "cus_1", "pm_1", "k3", cancellation);
        await stripe.ListWebhookEndpointsAsync(cancellation);
        await stripe.CreateWebhookEndpointAsync("https://w.example", StripeEvents.Subscribed, cancellation);
        await stripe.UpdateWebhookEndpointAsync("we_1", StripeEvents.Subscribed, cancellation);
        await foreach (var _ in stripe.ListEventsAsync(DateTimeOffset.UnixEpoch, StripeEvents.Subscribed, cancellation))
        {
            // One page.
        }

        await stripe.CreatePurchaseAsync(
            new NewPurchase(User, "cus_1", "price_1", "https://s.example", "https://c.example") { Units = 100 }, "k4", cancellation);
        await stripe.ListPaidCreditsAsync("cus_1", cancellation);
        await stripe.FindMeterAsync("units", cancellation);
        await stripe.CreateMeterAsync("units", "Units", cancellation);
        await stripe.AddMeteredItemAsync("sub_1", "price_1", "k5", cancellation);
        await stripe.ReportUsageAsync(
            "units", new MeterReport("usage-1", User, "pro", 1, DateTimeOffset.UnixEpoch, Tries: 1) { CustomerId = "cus_1" }, cancellation);
        await stripe.MeasureSkewAsync(cancellation);
    }

#pragma warning disable CA1852 // A proxy is derived from it.
    internal class Recorder : DispatchProxy
#pragma warning restore CA1852
    {
        public IStripeGateway? Gateway { get; set; }

        public HashSet<string> Made { get; } = new(StringComparer.Ordinal);

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            Made.Add(targetMethod!.Name);
            return targetMethod.Invoke(Gateway, args);
        }
    }
}
