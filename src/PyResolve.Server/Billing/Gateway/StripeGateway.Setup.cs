using PyResolve.Server.Billing.Settings;
using Stripe;
using Portal = Stripe.BillingPortal;

namespace PyResolve.Server.Billing.Gateway;

/// <summary>The calls by which <c>stripe setup</c> makes things, and <c>stripe doctor</c> checks them.</summary>
internal sealed partial class StripeGateway
{
    public Task<StripeProduct?> FindProductAsync(string id, CancellationToken cancellationToken) =>
        FirstAsync(Api.Products.ListAsync(new() { Ids = [id] }, cancellationToken: cancellationToken), StripeReading.Product);

    public Task<StripeProduct> CreateProductAsync(NewProduct product, CancellationToken cancellationToken)
    {
        var created = new ProductCreateOptions
        {
            Id = product.Id,
            Name = product.Name,
            TaxCode = product.TaxCode,
            Metadata = new() { ["plan"] = product.Plan },
        };
        return StripeConnection.ReadAsync(Api.Products.CreateAsync(created, cancellationToken: cancellationToken), StripeReading.Product);
    }

    public Task<StripeProduct> UpdateProductAsync(string id, string? name, string? taxCode, CancellationToken cancellationToken)
    {
        var changed = new ProductUpdateOptions { Name = name, TaxCode = taxCode };
        return StripeConnection.ReadAsync(
            Api.Products.UpdateAsync(id, changed, cancellationToken: cancellationToken), StripeReading.Product);
    }

    public Task<StripePrice?> FindPriceAsync(string id, CancellationToken cancellationToken) =>
        FindAsync(Api.Prices.GetAsync(id, cancellationToken: cancellationToken), StripeReading.Price);

    public Task<StripePrice?> FindPriceByLookupKeyAsync(string lookupKey, CancellationToken cancellationToken) =>
        FirstAsync(
            Api.Prices.ListAsync(new() { LookupKeys = [lookupKey], Active = true }, cancellationToken: cancellationToken),
            StripeReading.Price);

    public Task<StripePrice> CreatePriceAsync(NewPrice price, CancellationToken cancellationToken)
    {
        var created = new PriceCreateOptions
        {
            Product = price.Product,
            UnitAmount = price.Amount,
            Currency = price.Currency,
            Recurring = price.Interval is null
                ? null
                : new() { Interval = price.Interval, Meter = price.Meter, UsageType = price.Meter is null ? null : "metered" },
            LookupKey = price.LookupKey,
            TransferLookupKey = true,
        };
        return StripeConnection.ReadAsync(Api.Prices.CreateAsync(created, cancellationToken: cancellationToken), StripeReading.Price);
    }

    public Task<IReadOnlyList<StripePortalConfiguration>> ListPortalConfigurationsAsync(CancellationToken cancellationToken) => ListAsync(
        // Stripe leaves the products out unless they are asked for.
        new Portal.ConfigurationListOptions { Active = true, Expand = ["data.features.subscription_update.products"] },
        list => Api.BillingPortal.Configurations.ListAsync(list, cancellationToken: cancellationToken),
        StripeReading.PortalConfiguration);

    public Task<StripePortalConfiguration> CreatePortalConfigurationAsync(PortalContents contents, CancellationToken cancellationToken)
    {
        var created = new Portal.ConfigurationCreateOptions
        {
            BusinessProfile = new() { Headline = contents.Headline },
            DefaultReturnUrl = contents.ReturnUrl,
            Metadata = new() { [PortalContents.MarkKey] = contents.Mark },
            Features = new()
            {
                CustomerUpdate = contents.ChangesDetails ? CustomerDetails() : null,
                InvoiceHistory = new() { Enabled = true },
                PaymentMethodUpdate = new() { Enabled = true },
                SubscriptionCancel = new() { Enabled = true, Mode = "at_period_end" },
                SubscriptionUpdate = ChangesBetween(contents),
            },
        };
        return StripeConnection.ReadAsync(
            Api.BillingPortal.Configurations.CreateAsync(created, cancellationToken: cancellationToken), StripeReading.PortalConfiguration);
    }

    public Task<StripePortalConfiguration> UpdatePortalConfigurationAsync(
        string id, PortalContents contents, CancellationToken cancellationToken)
    {
        var changed = new Portal.ConfigurationUpdateOptions
        {
            BusinessProfile = new() { Headline = contents.Headline },
            DefaultReturnUrl = contents.ReturnUrl,
            Metadata = new() { [PortalContents.MarkKey] = contents.Mark },
            Features = new()
            {
                CustomerUpdate = contents.ChangesDetails ? CustomerDetails() : new() { Enabled = false },
                SubscriptionUpdate = ChangesBetween(contents),
            },
        };
        return StripeConnection.ReadAsync(
            Api.BillingPortal.Configurations.UpdateAsync(id, changed, cancellationToken: cancellationToken),
            StripeReading.PortalConfiguration);
    }

    public Task<IReadOnlyList<StripeWebhookEndpoint>> ListWebhookEndpointsAsync(CancellationToken cancellationToken) => ListAsync(
        new WebhookEndpointListOptions(),
        list => Api.WebhookEndpoints.ListAsync(list, cancellationToken: cancellationToken),
        StripeReading.Endpoint);

    public Task<StripeWebhookEndpoint> CreateWebhookEndpointAsync(
        string url, IReadOnlyList<string> events, CancellationToken cancellationToken)
    {
        var created = new WebhookEndpointCreateOptions
        {
            Url = url,
            EnabledEvents = [.. events],
            ApiVersion = BillingOptions.PinnedApiVersion,
            Description = $"{options.ProductName} billing",
        };
        return StripeConnection.ReadAsync(
            Api.WebhookEndpoints.CreateAsync(created, cancellationToken: cancellationToken), StripeReading.Endpoint);
    }

    public Task<StripeWebhookEndpoint> UpdateWebhookEndpointAsync(
        string id, IReadOnlyList<string> events, CancellationToken cancellationToken)
    {
        var changed = new WebhookEndpointUpdateOptions { EnabledEvents = [.. events] };
        return StripeConnection.ReadAsync(
            Api.WebhookEndpoints.UpdateAsync(id, changed, cancellationToken: cancellationToken), StripeReading.Endpoint);
    }

    private static Portal.ConfigurationFeaturesCustomerUpdateOptions CustomerDetails() =>
        new() { Enabled = true, AllowedUpdates = ["address", "name", "tax_id"] };

    /// <summary>
    /// The changes of plan in the portal. A downgrade at once would credit the rest of the month: who upgrades, uses and downgrades would
    /// pay nothing.
    /// </summary>
    private static Portal.ConfigurationFeaturesSubscriptionUpdateOptions ChangesBetween(PortalContents contents) => new()
    {
        Enabled = true,
        DefaultAllowedUpdates = contents.ChangesSeats ? ["price", "quantity"] : ["price"],
        ProrationBehavior = "always_invoice",
        TrialUpdateBehavior = "end_trial",
        Products = [.. contents.Products.Select(product => new Portal.ConfigurationFeaturesSubscriptionUpdateProductOptions
        {
            Product = product.Id,
            Prices = [.. product.Prices],
            AdjustableQuantity = contents.ChangesSeats ? SeatsOf(product) : null,
        })],
        ScheduleAtPeriodEnd = new()
        {
            Conditions = [.. StripePortalConfiguration.DowngradeConditions.Select(
                static type => new Portal.ConfigurationFeaturesSubscriptionUpdateScheduleAtPeriodEndConditionOptions { Type = type })],
        },
    };

    private static Portal.ConfigurationFeaturesSubscriptionUpdateProductAdjustableQuantityOptions SeatsOf(PortalProduct product) =>
        product.HasSeats ? new() { Enabled = true, Minimum = 1, Maximum = Plans.Plan.MaxSeatsSold } : new() { Enabled = false };
}
