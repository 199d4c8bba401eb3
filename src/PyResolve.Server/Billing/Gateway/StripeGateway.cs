using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json.Serialization.Metadata;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Billing.Gateway;

/// <summary>Stripe over HTTP.</summary>
internal sealed class StripeGateway(StripeTransport stripe, BillingOptions options) : IStripeGateway
{
    private const int PageSize = 100;

    public Task<StripeCustomer> CreateCustomerAsync(Guid userId, string email, string idempotencyKey, CancellationToken cancellationToken) => stripe.PostAsync(
        "/v1/customers",
        new StripeForm().Add("email", email).Add("metadata[user_id]", userId.ToString()),
        idempotencyKey,
        StripeJson.Default.StripeCustomer,
        cancellationToken);

    public Task<StripeCustomer?> FindCustomerAsync(string id, CancellationToken cancellationToken) =>
        FindAsync($"/v1/customers/{Uri.EscapeDataString(id)}", StripeJson.Default.StripeCustomer, cancellationToken);

    public Task<StripeCheckoutSession> CreateCheckoutAsync(NewCheckout checkout, string idempotencyKey, CancellationToken cancellationToken)
    {
        var userId = checkout.UserId.ToString();
        var form = new StripeForm()
            .Add("mode", "subscription")
            .Add("customer", checkout.CustomerId)
            .Add("client_reference_id", userId)
            .Add("line_items[0][price]", checkout.Price)
            .Add("line_items[0][quantity]", 1)
            .Add("success_url", checkout.SuccessUrl)
            .Add("cancel_url", checkout.CancelUrl)
            .Add("metadata[user_id]", userId)
            .Add($"metadata[{NewCheckout.AttemptKey}]", checkout.Attempt)
            .Add("subscription_data[metadata][user_id]", userId);
        return stripe.PostAsync("/v1/checkout/sessions", form, idempotencyKey, StripeJson.Default.StripeCheckoutSession, cancellationToken);
    }

    public Task<StripeCheckoutSession?> FindCheckoutAsync(string id, CancellationToken cancellationToken) =>
        FindAsync($"/v1/checkout/sessions/{Uri.EscapeDataString(id)}", StripeJson.Default.StripeCheckoutSession, cancellationToken);

    public async Task<IReadOnlyList<StripeCheckoutSession>> ListOpenCheckoutsAsync(string customerId, CancellationToken cancellationToken)
    {
        var all = await AllAsync(
            "/v1/checkout/sessions", () => new StripeForm().Add("customer", customerId), static session => session.Id,
            StripeJson.Default.StripeListStripeCheckoutSession, cancellationToken);
        return [.. all.Where(static session => session.Status == StripeCheckoutSession.Open)];
    }

    public Task ExpireCheckoutAsync(string id, CancellationToken cancellationToken) => stripe.PostAsync(
        $"/v1/checkout/sessions/{Uri.EscapeDataString(id)}/expire", new StripeForm(), idempotencyKey: null, StripeJson.Default.StripeCheckoutSession, cancellationToken);

    public async Task<IReadOnlyList<StripeSubscription>> ListSubscriptionsAsync(string customerId, CancellationToken cancellationToken)
    {
        var all = new List<StripeSubscription>();
        await foreach (var page in SubscriptionPagesAsync(customerId, cancellationToken))
            all.AddRange(page);
        return all;
    }

    public IAsyncEnumerable<IReadOnlyList<StripeSubscription>> ListAllSubscriptionsAsync(CancellationToken cancellationToken) =>
        SubscriptionPagesAsync(customerId: null, cancellationToken);

    public Task<StripeCharge?> FindChargeAsync(string id, CancellationToken cancellationToken) =>
        FindAsync($"/v1/charges/{Uri.EscapeDataString(id)}", StripeJson.Default.StripeCharge, cancellationToken);

    public async Task<IReadOnlyList<StripeDispute>> ListDisputesAsync(string customerId, DateTimeOffset since, CancellationToken cancellationToken)
    {
        var charges = await AllAsync(
            "/v1/charges", () => new StripeForm().Add("customer", customerId).Add("created[gte]", since), static charge => charge.Id,
            StripeJson.Default.StripeListStripeCharge, cancellationToken);
        var all = new List<StripeDispute>();
        foreach (var charge in charges.Where(static charge => charge.Disputed))
        {
            all.AddRange(await AllAsync(
                "/v1/disputes", () => new StripeForm().Add("charge", charge.Id), static dispute => dispute.Id,
                StripeJson.Default.StripeListStripeDispute, cancellationToken));
        }

        return all;
    }

    public Task CancelSubscriptionAsync(string id, CancellationToken cancellationToken) =>
        stripe.DeleteAsync($"/v1/subscriptions/{Uri.EscapeDataString(id)}", StripeJson.Default.StripeSubscription, cancellationToken);

    public Task<StripePortalSession> CreatePortalAsync(string customerId, string returnUrl, string? configuration, CancellationToken cancellationToken) => stripe.PostAsync(
        "/v1/billing_portal/sessions",
        new StripeForm().Add("customer", customerId).Add("return_url", returnUrl).Add("configuration", configuration),
        idempotencyKey: null,
        StripeJson.Default.StripePortalSession,
        cancellationToken);

    public async Task<StripeProduct?> FindProductAsync(string id, CancellationToken cancellationToken) => First(await stripe.GetAsync(
        "/v1/products", new StripeForm().Add("ids", [id]), StripeJson.Default.StripeListStripeProduct, cancellationToken));

    public Task<StripeProduct> CreateProductAsync(NewProduct product, CancellationToken cancellationToken) => stripe.PostAsync(
        "/v1/products",
        new StripeForm().Add("id", product.Id).Add("name", product.Name).Add("metadata[plan]", product.Plan),
        idempotencyKey: null,
        StripeJson.Default.StripeProduct,
        cancellationToken);

    public Task<StripePrice?> FindPriceAsync(string id, CancellationToken cancellationToken) =>
        FindAsync($"/v1/prices/{Uri.EscapeDataString(id)}", StripeJson.Default.StripePrice, cancellationToken);

    public async Task<StripePrice?> FindPriceByLookupKeyAsync(string lookupKey, CancellationToken cancellationToken) => First(await stripe.GetAsync(
        "/v1/prices", new StripeForm().Add("lookup_keys", [lookupKey]).Add("active", true), StripeJson.Default.StripeListStripePrice, cancellationToken));

    public Task<StripePrice> CreatePriceAsync(NewPrice price, CancellationToken cancellationToken) => stripe.PostAsync(
        "/v1/prices",
        new StripeForm()
            .Add("product", price.Product)
            .Add("unit_amount", price.Amount)
            .Add("currency", price.Currency)
            .Add("recurring[interval]", price.Interval)
            .Add("lookup_key", price.LookupKey)
            .Add("transfer_lookup_key", true),
        idempotencyKey: null,
        StripeJson.Default.StripePrice,
        cancellationToken);

    public Task<IReadOnlyList<StripePortalConfiguration>> ListPortalConfigurationsAsync(CancellationToken cancellationToken) => AllAsync(
        "/v1/billing_portal/configurations", static () => new StripeForm().Add("active", true), static configuration => configuration.Id,
        StripeJson.Default.StripeListStripePortalConfiguration, cancellationToken);

    public Task<StripePortalConfiguration> CreatePortalConfigurationAsync(
        IReadOnlyList<StripePrice> products, string returnUrl, CancellationToken cancellationToken)
    {
        var form = new StripeForm()
            .Add("business_profile[headline]", "PyResolve")
            .Add("default_return_url", returnUrl)
            .Add("metadata[made_by]", PortalMarkFor(products))
            .Add("features[invoice_history][enabled]", true)
            .Add("features[payment_method_update][enabled]", true)
            .Add("features[subscription_cancel][enabled]", true)
            .Add("features[subscription_cancel][mode]", "at_period_end")
            .Add("features[subscription_update][enabled]", true)
            .Add("features[subscription_update][default_allowed_updates]", ["price"])
            .Add("features[subscription_update][proration_behavior]", "always_invoice");
        for (var i = 0; i < products.Count; i++)
        {
            var product = string.Create(CultureInfo.InvariantCulture, $"features[subscription_update][products][{i}]");
            form.Add($"{product}[product]", products[i].Product).Add($"{product}[prices]", [products[i].Id]);
        }

        return stripe.PostAsync("/v1/billing_portal/configurations", form, idempotencyKey: null, StripeJson.Default.StripePortalConfiguration, cancellationToken);
    }

    public Task<IReadOnlyList<StripeWebhookEndpoint>> ListWebhookEndpointsAsync(CancellationToken cancellationToken) => AllAsync(
        "/v1/webhook_endpoints", static () => new StripeForm(), static endpoint => endpoint.Id, StripeJson.Default.StripeListStripeWebhookEndpoint, cancellationToken);

    public Task<StripeWebhookEndpoint> CreateWebhookEndpointAsync(string url, IReadOnlyList<string> events, CancellationToken cancellationToken) => stripe.PostAsync(
        "/v1/webhook_endpoints",
        new StripeForm().Add("url", url).Add("enabled_events", events).Add("api_version", options.ApiVersion).Add("description", "PyResolve billing"),
        idempotencyKey: null,
        StripeJson.Default.StripeWebhookEndpoint,
        cancellationToken);

    public Task<StripeWebhookEndpoint> UpdateWebhookEndpointAsync(string id, IReadOnlyList<string> events, CancellationToken cancellationToken) => stripe.PostAsync(
        $"/v1/webhook_endpoints/{Uri.EscapeDataString(id)}",
        new StripeForm().Add("enabled_events", events),
        idempotencyKey: null,
        StripeJson.Default.StripeWebhookEndpoint,
        cancellationToken);

    public IAsyncEnumerable<IReadOnlyList<StripeEvent>> ListEventsAsync(DateTimeOffset since, IReadOnlyList<string> types, CancellationToken cancellationToken) => PagesAsync(
        "/v1/events", () => new StripeForm().Add("created[gte]", since).Add("types", types), static found => found.Id,
        StripeJson.Default.StripeListStripeEvent, cancellationToken);

    public Task<TimeSpan?> MeasureSkewAsync(CancellationToken cancellationToken) => stripe.MeasureSkewAsync(cancellationToken);

    /// <summary>In the metadata of a portal configuration: which prices it was made for.</summary>
    public static string PortalMarkFor(IEnumerable<StripePrice> prices) => $"pyresolve {string.Join(' ', prices.Select(static price => price.Id))}";

    private static T? First<T>(StripeList<T> list)
        where T : class => list.Data is [var first, ..] ? first : null;

    private async IAsyncEnumerable<IReadOnlyList<StripeSubscription>> SubscriptionPagesAsync(
        string? customerId, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // Without a status, Stripe leaves out the ended ones, and with them the news that they ended.
        var pages = PagesAsync(
            "/v1/subscriptions", () => new StripeForm().Add("customer", customerId).Add("status", "all"), static subscription => subscription.Id,
            StripeJson.Default.StripeListStripeSubscription, cancellationToken);
        await foreach (var page in pages)
        {
            var whole = new List<StripeSubscription>(page.Count);
            foreach (var subscription in page)
                whole.Add(subscription.Items is { HasMore: true } ? await WithAllItemsAsync(subscription, cancellationToken) : subscription);
            yield return whole;
        }
    }

    private async Task<StripeSubscription> WithAllItemsAsync(StripeSubscription subscription, CancellationToken cancellationToken) => subscription with
    {
        Items = new(await AllAsync(
            "/v1/subscription_items", () => new StripeForm().Add("subscription", subscription.Id), static item => item.Id,
            StripeJson.Default.StripeListStripeSubscriptionItem, cancellationToken)),
    };

    private async Task<T?> FindAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellationToken)
        where T : class
    {
        try
        {
            return await stripe.GetAsync(path, query: null, type, cancellationToken);
        }
        catch (StripeException exception) when (exception.IsMissing)
        {
            return null;
        }
    }

    private async Task<IReadOnlyList<T>> AllAsync<T>(
        string path, Func<StripeForm> query, Func<T, string> id, JsonTypeInfo<StripeList<T>> type, CancellationToken cancellationToken)
    {
        var all = new List<T>();
        await foreach (var page in PagesAsync(path, query, id, type, cancellationToken))
            all.AddRange(page);
        return all;
    }

    private async IAsyncEnumerable<IReadOnlyList<T>> PagesAsync<T>(
        string path, Func<StripeForm> query, Func<T, string> id, JsonTypeInfo<StripeList<T>> type, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string? last = null;
        while (true)
        {
            var page = await stripe.GetAsync(path, query().Add("limit", PageSize).Add("starting_after", last), type, cancellationToken);
            yield return page.Data;
            if (!page.HasMore || page.Data.Count == 0)
                yield break;
            last = id(page.Data[^1]);
        }
    }
}
