using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json.Serialization.Metadata;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Plans;
using Stripe;
using Portal = Stripe.BillingPortal;

namespace PyResolve.Server.Billing.Gateway;

/// <summary>The library is loaded with the first call: a server that does not sell does without. The timeout is of one attempt.</summary>
internal sealed class StripeGateway(BillingOptions options, TimeProvider time, TimeSpan? timeout = null) : IStripeGateway
{
    private const int PageSize = 100;

    private StripeConnection? _connection;

    private StripeConnection Connection => LazyInitializer.EnsureInitialized(
        ref _connection, () => new StripeConnection(options, timeout ?? SystemNetHttpClient.DefaultHttpTimeout));

    private V1Services Api => Connection.Client.V1;

    public Task<StripeCustomer> CreateCustomerAsync(Guid userId, string email, string idempotencyKey, CancellationToken cancellationToken)
    {
        var customer = new CustomerCreateOptions { Email = email, Metadata = OfUser(userId) };
        return StripeConnection.ReadAsync(
            Api.Customers.CreateAsync(customer, Under(idempotencyKey), cancellationToken), StripeReading.Customer);
    }

    public Task<StripeCustomer?> FindCustomerAsync(string id, CancellationToken cancellationToken) =>
        FindAsync(Api.Customers.GetAsync(id, cancellationToken: cancellationToken), StripeReading.Customer);

    public Task<StripeCheckoutSession> CreateCheckoutAsync(NewCheckout checkout, string idempotencyKey, CancellationToken cancellationToken)
    {
        var metadata = OfUser(checkout.UserId);
        metadata[NewCheckout.AttemptKey] = checkout.Attempt.ToString(CultureInfo.InvariantCulture);
        var session = new Stripe.Checkout.SessionCreateOptions
        {
            Mode = "subscription",
            Customer = checkout.CustomerId,
            ClientReferenceId = checkout.UserId.ToString(),
            LineItems = [new() { Price = checkout.Price, Quantity = 1 }],
            SuccessUrl = checkout.SuccessUrl,
            CancelUrl = checkout.CancelUrl,
            Metadata = metadata,
            SubscriptionData = new() { Metadata = OfUser(checkout.UserId) },
        };
        return StripeConnection.ReadAsync(
            Api.Checkout.Sessions.CreateAsync(session, Under(idempotencyKey), cancellationToken), StripeReading.Checkout);
    }

    public Task<StripeCheckoutSession?> FindCheckoutAsync(string id, CancellationToken cancellationToken) =>
        FindAsync(Api.Checkout.Sessions.GetAsync(id, cancellationToken: cancellationToken), StripeReading.Checkout);

    public async Task<IReadOnlyList<StripeCheckoutSession>> ListOpenCheckoutsAsync(string customerId, CancellationToken cancellationToken)
    {
        var all = await ListAsync(
            new Stripe.Checkout.SessionListOptions { Customer = customerId },
            list => Api.Checkout.Sessions.ListAsync(list, cancellationToken: cancellationToken),
            StripeReading.Checkout);
        return [.. all.Where(static session => session.Status == StripeCheckoutSession.Open)];
    }

    public Task ExpireCheckoutAsync(string id, CancellationToken cancellationToken) =>
        StripeConnection.ReadAsync(Api.Checkout.Sessions.ExpireAsync(id, cancellationToken: cancellationToken), StripeReading.Checkout);

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
        FindAsync(Api.Charges.GetAsync(id, cancellationToken: cancellationToken), StripeReading.Charge);

    public async Task<IReadOnlyList<StripeDispute>> ListDisputesAsync(
        string customerId, DateTimeOffset since, CancellationToken cancellationToken)
    {
        var charges = await ListAsync(
            new ChargeListOptions { Customer = customerId, Created = Since(since) },
            list => Api.Charges.ListAsync(list, cancellationToken: cancellationToken),
            StripeReading.Charge);
        var all = new List<StripeDispute>();
        foreach (var charge in charges.Where(static charge => charge.Disputed))
        {
            all.AddRange(await ListAsync(
                new DisputeListOptions { Charge = charge.Id },
                list => Api.Disputes.ListAsync(list, cancellationToken: cancellationToken),
                StripeReading.Dispute));
        }

        return all;
    }

    public Task CancelSubscriptionAsync(string id, CancellationToken cancellationToken) =>
        StripeConnection.ReadAsync(Api.Subscriptions.CancelAsync(id, cancellationToken: cancellationToken), StripeReading.Subscription);

    public Task<StripePortalSession> CreatePortalAsync(
        string customerId, string returnUrl, string? configuration, CancellationToken cancellationToken)
    {
        var session = new Portal.SessionCreateOptions { Customer = customerId, ReturnUrl = returnUrl, Configuration = configuration };
        return StripeConnection.ReadAsync(
            Api.BillingPortal.Sessions.CreateAsync(session, cancellationToken: cancellationToken), StripeReading.Portal);
    }

    public Task<StripeProduct?> FindProductAsync(string id, CancellationToken cancellationToken) =>
        FirstAsync(Api.Products.ListAsync(new() { Ids = [id] }, cancellationToken: cancellationToken), StripeReading.Product);

    public Task<StripeProduct> CreateProductAsync(NewProduct product, CancellationToken cancellationToken)
    {
        var created = new ProductCreateOptions { Id = product.Id, Name = product.Name, Metadata = new() { ["plan"] = product.Plan } };
        return StripeConnection.ReadAsync(Api.Products.CreateAsync(created, cancellationToken: cancellationToken), StripeReading.Product);
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
            Recurring = new() { Interval = price.Interval },
            LookupKey = price.LookupKey,
            TransferLookupKey = true,
        };
        return StripeConnection.ReadAsync(Api.Prices.CreateAsync(created, cancellationToken: cancellationToken), StripeReading.Price);
    }

    public Task<IReadOnlyList<StripePortalConfiguration>> ListPortalConfigurationsAsync(CancellationToken cancellationToken) => ListAsync(
        new Portal.ConfigurationListOptions { Active = true },
        list => Api.BillingPortal.Configurations.ListAsync(list, cancellationToken: cancellationToken),
        StripeReading.PortalConfiguration);

    public Task<StripePortalConfiguration> CreatePortalConfigurationAsync(
        IReadOnlyList<StripePrice> products, string returnUrl, CancellationToken cancellationToken)
    {
        var created = new Portal.ConfigurationCreateOptions
        {
            BusinessProfile = new() { Headline = "PyResolve" },
            DefaultReturnUrl = returnUrl,
            Metadata = new() { ["made_by"] = PortalMarkFor(products) },
            Features = new()
            {
                InvoiceHistory = new() { Enabled = true },
                PaymentMethodUpdate = new() { Enabled = true },
                SubscriptionCancel = new() { Enabled = true, Mode = "at_period_end" },
                SubscriptionUpdate = new()
                {
                    Enabled = true,
                    DefaultAllowedUpdates = ["price"],
                    ProrationBehavior = "always_invoice",
                    Products = [.. products.Select(static price => new Portal.ConfigurationFeaturesSubscriptionUpdateProductOptions
                    {
                        Product = price.Product,
                        Prices = [price.Id],
                    })],
                },
            },
        };
        return StripeConnection.ReadAsync(
            Api.BillingPortal.Configurations.CreateAsync(created, cancellationToken: cancellationToken), StripeReading.PortalConfiguration);
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
            Description = "PyResolve billing",
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

    public async IAsyncEnumerable<IReadOnlyList<StripeEvent>> ListEventsAsync(
        DateTimeOffset since, IReadOnlyList<string> types, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var query = new EventListOptions { Created = Since(since), Types = [.. types], Limit = PageSize };
        do
        {
            var call = Connection.Client.RequestAsync<EventPage>(
                HttpMethod.Get, "/v1/events", query, requestOptions: null, cancellationToken);
            var (events, last) = await StripeConnection.ReadAsync(
                call, static page => (page.Data.ConvertAll(StripeReading.Event), page is { HasMore: true, Data.Count: > 0 }));
            yield return events;
            query.StartingAfter = last ? events[^1].Id : null;
        }
        while (query.StartingAfter is not null);
    }

    public async Task<TimeSpan?> MeasureSkewAsync(CancellationToken cancellationToken)
    {
        var request = new StripeRequest(
            Connection.Client, HttpMethod.Get, "/v1/prices", new PriceListOptions { Limit = 1 }, requestOptions: null);
        return (await Connection.SendAsync(request, cancellationToken)).Date - time.GetUtcNow();
    }

    /// <summary>In the metadata of a portal configuration: which prices it was made for.</summary>
    public static string PortalMarkFor(IEnumerable<StripePrice> prices) =>
        $"pyresolve {string.Join(' ', prices.Select(static price => price.Id))}";

    private static Dictionary<string, string> OfUser(Guid userId) => new() { ["user_id"] = userId.ToString() };

    private static RequestOptions Under(string idempotencyKey) => new() { IdempotencyKey = idempotencyKey };

    private static DateRangeOptions Since(DateTimeOffset since) => new() { GreaterThanOrEqual = since.UtcDateTime };

    private async IAsyncEnumerable<IReadOnlyList<StripeSubscription>> SubscriptionPagesAsync(
        string? customerId, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // Without a status, Stripe leaves out subscriptions that have ended.
        var pages = PagesAsync(
            new SubscriptionListOptions { Customer = customerId, Status = "all" },
            list => Api.Subscriptions.ListAsync(list, cancellationToken: cancellationToken),
            StripeReading.Subscription);
        await foreach (var page in pages)
        {
            var complete = new List<StripeSubscription>(page.Count);
            foreach (var subscription in page)
                complete.Add(
                    subscription.Items is { HasMore: true } ? await WithAllItemsAsync(subscription, cancellationToken) : subscription);
            yield return complete;
        }
    }

    private async Task<StripeSubscription> WithAllItemsAsync(
        StripeSubscription subscription, CancellationToken cancellationToken) => subscription with
    {
        Items = new(await ListAsync(
            new SubscriptionItemListOptions { Subscription = subscription.Id },
            list => Api.SubscriptionItems.ListAsync(list, cancellationToken: cancellationToken),
            StripeReading.Item)),
    };

    private static async Task<T?> FindAsync<TFrom, T>(Task<TFrom> call, Func<TFrom, T> map)
        where T : class
    {
        try
        {
            return await StripeConnection.ReadAsync(call, map);
        }
        catch (StripeException exception) when (exception.IsMissing)
        {
            return null;
        }
    }

    private static Task<T?> FirstAsync<TFrom, T>(Task<Stripe.StripeList<TFrom>> call, Func<TFrom, T> map)
        where T : class => StripeConnection.ReadAsync(call, list => list.Data is [var first, ..] ? map(first) : null);

    private static async Task<IReadOnlyList<T>> ListAsync<TOptions, TFrom, T>(
        TOptions options, Func<TOptions, Task<Stripe.StripeList<TFrom>>> list, Func<TFrom, T> map)
        where TOptions : ListOptions
        where TFrom : IHasId
    {
        var all = new List<T>();
        await foreach (var page in PagesAsync(options, list, map))
            all.AddRange(page);
        return all;
    }

    /// <summary>Each page is mapped as soon as it is read: Stripe.net's objects are large.</summary>
    private static async IAsyncEnumerable<IReadOnlyList<T>> PagesAsync<TOptions, TFrom, T>(
        TOptions options, Func<TOptions, Task<Stripe.StripeList<TFrom>>> list, Func<TFrom, T> map)
        where TOptions : ListOptions
        where TFrom : IHasId
    {
        options.Limit = PageSize;
        do
        {
            var (page, last) = await StripeConnection.ReadAsync(
                list(options),
                found => (found.Data.ConvertAll(from => map(from)), found is { HasMore: true, Data: [.., var end] } ? end.Id : null));
            yield return page;
            options.StartingAfter = last;
        }
        while (options.StartingAfter is not null);
    }
}
