using PyResolve.Server.Billing;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Webhooks;
using PyResolve.Server.Tests.Storage;
using PyResolve.StripeSimulator;

namespace PyResolve.Server.Tests.Billing;

/// <summary>What is asked of Stripe for checkouts, portals and permissions.</summary>
public sealed class GatewayTests
{
    private static readonly Guid User = Guid.Parse("019ab3c2-7d1e-7c4a-9f0b-3f1d5a6e8b90");

    [Fact]
    public async Task A_checkout_offers_only_the_plan_by_default()
    {
        await using var edge = await StripeEdge.StartAsync();

        await edge.Gateway.CreateCheckoutAsync(Checkout, "co:1", TestContext.Current.CancellationToken);

        edge.Requests[0].Parameters.Select(static parameter => parameter.Key).ShouldBe(
            [
                "cancel_url", "client_reference_id", "customer", "line_items[0][price]", "line_items[0][quantity]", "metadata[user_id]",
                "metadata[attempt]", "mode", "subscription_data[metadata][user_id]", "success_url",
            ],
            ignoreOrder: true);
    }

    [Fact]
    public async Task A_checkout_offers_taxes_promotion_codes_and_a_language_where_they_are_set()
    {
        await using var edge = await StripeEdge.StartAsync(settings: new Dictionary<string, string?>
        {
            ["PyResolve:Stripe:AutomaticTax"] = "true",
            ["PyResolve:Stripe:TaxIds"] = "true",
            ["PyResolve:Stripe:PromotionCodes"] = "true",
            ["PyResolve:Stripe:ManagedPayments"] = "false",
            ["PyResolve:Stripe:Locale"] = "de",
        });

        await edge.Gateway.CreateCheckoutAsync(Checkout, "co:1", TestContext.Current.CancellationToken);
        await edge.Gateway.CreatePortalAsync("cus_1", "https://r.example", null, TestContext.Current.CancellationToken);

        var sent = edge.Requests[0];
        (sent["automatic_tax[enabled]"], sent["tax_id_collection[enabled]"]).ShouldBe(("true", "true"));
        (sent["customer_update[address]"], sent["customer_update[name]"]).ShouldBe(("auto", "auto"));
        (sent["allow_promotion_codes"], sent["managed_payments[enabled]"], sent["locale"]).ShouldBe(("true", "false", "de"));
        edge.Requests[1]["locale"].ShouldBe("de");
        edge.Requests.SelectMany(StripeParameters.Faults).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_new_portal_lets_downgrades_wait_for_the_end_of_the_period()
    {
        await using var edge = await StripeEdge.StartAsync();

        await edge.Gateway.CreatePortalConfigurationAsync(
            PortalOf(edge, new StripePrice("price_1") { Product = "prod_1" }), TestContext.Current.CancellationToken);

        const string Conditions = "features[subscription_update][schedule_at_period_end][conditions]";
        (edge.Requests[0][$"{Conditions}[0][type]"], edge.Requests[0][$"{Conditions}[1][type]"])
            .ShouldBe(("decreasing_item_amount", "shortening_interval"));
    }

    [Fact]
    public async Task What_a_restricted_key_may_not_do_is_found_by_calls_that_change_nothing()
    {
        await using var edge = await StripeEdge.StartAsync();
        edge.Then(403, """{"error":{"type":"invalid_request_error","message":"The key does not have the required permissions."}}""")
            .Then(404, """{"error":{"type":"invalid_request_error","code":"resource_missing","message":"No such session"}}""")
            .Then(403, """{"error":{"type":"invalid_request_error","message":"The key does not have the required permissions."}}""");

        var missing = await edge.Gateway.ListMissingPermissionsAsync(TestContext.Current.CancellationToken);

        missing.ShouldBe(["Customers: write", "Subscriptions: write"]);
        edge.Requests.Where(static request => request.Method is not "GET")
            .ShouldAllBe(static request => request.Path.Contains("doesnotexist") || request["customer"]!.Contains("doesnotexist"));
    }

    /// <summary>Of every kind: what is sold, credits, overage, and disputes that end plans.</summary>
    private static readonly Dictionary<string, string?> Everything = new()
    {
        ["PyResolve:Stripe:DisputeEndsPlan"] = "true",
        ["PyResolve:Plans:pro:Credits"] = "true",
        ["PyResolve:Plans:pro:Overage:UnitAmount"] = "50",
    };

    [Fact]
    public async Task Every_permission_that_a_restricted_key_needs_is_in_the_guide()
    {
        await using var edge = await StripeEdge.StartAsync(settings: Everything);
        for (var i = 0; i < 40; i++)
            edge.Then(403, """{"error":{"type":"invalid_request_error","message":"The key does not have the required permissions."}}""");

        var all = await edge.Gateway.ListMissingPermissionsAsync(TestContext.Current.CancellationToken);

        all.ShouldContain("PaymentIntents: read");
        all.ShouldContain("Billing Meters: read");
        all.ShouldAllBe(static permission => Guide.Text("stripe.md").Contains($"| {permission} |"));
        edge.Requests.SelectMany(StripeParameters.Faults).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_checkout_is_tried_as_a_buyer_gets_it_but_for_the_customer()
    {
        await using var edge = await StripeEdge.StartAsync(
            settings: new Dictionary<string, string?> { ["PyResolve:Stripe:AutomaticTax"] = "true" });
        var checkout = Checkout with { TrialDays = 14, TrialNeedsCard = false };
        var purchase = new NewPurchase(User, "cus_1", "price_1", "https://s.example", "https://c.example") { Units = 100, ValidDays = 30 };

        await edge.Gateway.CreateCheckoutAsync(checkout, "k1", TestContext.Current.CancellationToken);
        await edge.Gateway.CreatePurchaseAsync(purchase, "k2", TestContext.Current.CancellationToken);
        await edge.Gateway.TryCheckoutAsync(checkout with { CustomerId = null }, TestContext.Current.CancellationToken);
        await edge.Gateway.TryPurchaseAsync(purchase with { CustomerId = null }, TestContext.Current.CancellationToken);

        var opened = edge.Requests.Where(static request => request.Path == "/v1/checkout/sessions").ToList();
        Sent(opened[2]).ShouldBe(Sent(opened[0]).Where(IsOfNobody));
        Sent(opened[3]).ShouldBe(Sent(opened[1]).Where(IsOfNobody));
        edge.Requests.Count(static request => request.Path.EndsWith("/expire", StringComparison.Ordinal)).ShouldBe(2);

        static List<string> Sent(EdgeRequest request) => [.. request.Parameters.Select(static sent => $"{sent.Key}={sent.Value}").Order()];
        static bool IsOfNobody(string sent) => !sent.StartsWith("customer", StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_products_of_a_portal_are_asked_for()
    {
        await using var edge = await StripeEdge.StartAsync();
        edge.Then(200, """
            {"has_more":false,"data":[{"id":"bpc_1","active":true,"features":{"subscription_update":{"enabled":true,
            "products":[{"product":"prod_1","prices":["price_1","price_2"]},{"product":"prod_2","prices":["price_3"]}]}}}]}
            """);

        var portal = (await edge.Gateway.ListPortalConfigurationsAsync(TestContext.Current.CancellationToken)).Single();

        portal.Prices.ShouldBe(["price_1", "price_2", "price_3"]);
        edge.Requests.Single()["expand[0]"].ShouldBe("data.features.subscription_update.products");
    }

    [Fact]
    public async Task A_new_portal_lets_seats_change_only_where_the_plan_has_some()
    {
        await using var edge = await StripeEdge.StartAsync(settings: OwnCatalogue.Settings);
        var team = new StripePrice("price_team") { Product = "prod_team", LookupKey = "pyresolve_team" };
        var scale = new StripePrice("price_scale") { Product = "prod_scale", LookupKey = "pyresolve_scale" };

        await edge.Gateway.CreatePortalConfigurationAsync(PortalOf(edge, team, scale), TestContext.Current.CancellationToken);

        const string Update = "features[subscription_update]";
        var sent = edge.Requests[0];
        sent[$"{Update}[default_allowed_updates][1]"].ShouldBe("quantity");
        string? Adjustable(int product, string what) => sent[$"{Update}[products][{product}][adjustable_quantity][{what}]"];
        (Adjustable(0, "enabled"), Adjustable(0, "minimum"), Adjustable(0, "maximum")).ShouldBe(("true", "1", "1000"));
        (Adjustable(1, "enabled"), Adjustable(1, "maximum")).ShouldBe(("false", null));
        edge.Requests.SelectMany(StripeParameters.Faults).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_trial_without_a_card_pauses_at_its_end_and_a_metered_price_has_no_quantity()
    {
        await using var edge = await StripeEdge.StartAsync();
        var checkout = Checkout with { Quantity = null, TrialDays = 14, TrialNeedsCard = false };

        await edge.Gateway.CreateCheckoutAsync(checkout, "k", TestContext.Current.CancellationToken);

        var sent = edge.Requests[0];
        (sent["line_items[0][price]"], sent["line_items[0][quantity]"]).ShouldBe(("price_1", null));
        (sent["subscription_data[trial_period_days]"], sent["payment_method_collection"]).ShouldBe(("14", "if_required"));
        sent["subscription_data[trial_settings][end_behavior][missing_payment_method]"].ShouldBe("pause");
        edge.Requests.SelectMany(StripeParameters.Faults).ShouldBeEmpty();
    }

    private static PortalContents PortalOf(StripeEdge edge, params StripePrice[] prices) =>
        PortalContents.Of(prices, "https://r.example", edge.Options);

    private static NewCheckout Checkout => new(User, "cus_1", "price_1", "https://s.example", "https://c.example", Attempt: 1);
}
