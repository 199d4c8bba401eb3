using System.Runtime.CompilerServices;
using PyResolve.Server.Billing.Settings;
using Stripe;
using Portal = Stripe.BillingPortal;

namespace PyResolve.Server.Billing.Gateway;

/// <summary>
/// Calls Stripe. The library is loaded with the first call: a server that does not sell does without. The timeout is of one attempt.
/// </summary>
internal sealed partial class StripeGateway(BillingOptions options, TimeProvider time, TimeSpan? timeout = null) : IStripeGateway
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

    public async Task<IReadOnlyList<StripeSubscription>> ListSubscriptionsAsync(string customerId, CancellationToken cancellationToken)
    {
        var all = new List<StripeSubscription>();
        await foreach (var page in SubscriptionPagesAsync(customerId, cancellationToken))
            all.AddRange(page);
        return all;
    }

    public Task<StripeSubscription?> FindSubscriptionAsync(string id, CancellationToken cancellationToken) =>
        FindAsync(Api.Subscriptions.GetAsync(id, cancellationToken: cancellationToken), StripeReading.Subscription);

    public IAsyncEnumerable<IReadOnlyList<StripeSubscription>> ListAllSubscriptionsAsync(CancellationToken cancellationToken) =>
        SubscriptionPagesAsync(customerId: null, cancellationToken);

    public Task<StripeList<StripeInvoice>?> ListInvoicesAsync(
        string customerId, string? status, string? after, int count, CancellationToken cancellationToken)
    {
        var list = new InvoiceListOptions { Customer = customerId, Status = status, StartingAfter = after, Limit = count };
        return FindAsync(
            Api.Invoices.ListAsync(list, cancellationToken: cancellationToken),
            static found => new StripeList<StripeInvoice>(found.Data.ConvertAll(StripeReading.Invoice), found.HasMore));
    }

    public Task<StripeInvoice?> FindInvoiceAsync(string id, CancellationToken cancellationToken) =>
        FindAsync(Api.Invoices.GetAsync(id, cancellationToken: cancellationToken), StripeReading.Invoice);

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
            var subscription = await FindPaidSubscriptionAsync(charge, cancellationToken);
            all.AddRange(await ListAsync(
                new DisputeListOptions { Charge = charge.Id },
                list => Api.Disputes.ListAsync(list, cancellationToken: cancellationToken),
                dispute => StripeReading.Dispute(dispute) with { Subscription = subscription }));
        }

        return all;
    }

    public Task CancelSubscriptionAsync(string id, bool invoicesUsage, CancellationToken cancellationToken)
    {
        var cancel = invoicesUsage ? new SubscriptionCancelOptions { InvoiceNow = true } : null;
        return StripeConnection.ReadAsync(
            Api.Subscriptions.CancelAsync(id, cancel, cancellationToken: cancellationToken), StripeReading.Subscription);
    }

    public Task<StripePortalSession> CreatePortalAsync(
        string customerId, string returnUrl, string? configuration, CancellationToken cancellationToken)
    {
        var session = new Portal.SessionCreateOptions
        {
            Customer = customerId,
            ReturnUrl = returnUrl,
            Configuration = configuration,
            Locale = options.Checkout.Locale,
        };
        return StripeConnection.ReadAsync(
            Api.BillingPortal.Sessions.CreateAsync(session, cancellationToken: cancellationToken), StripeReading.Portal);
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

    private static Dictionary<string, string> OfUser(Guid userId) => new() { ["user_id"] = userId.ToString() };

    private static RequestOptions Under(string idempotencyKey) => new() { IdempotencyKey = idempotencyKey };

    /// <summary>
    /// Finds the subscription that a charge paid. A charge names no invoice: the invoice's payment names the payment intent of both.
    /// Invoices are paid by payment intents only.
    /// </summary>
    private async Task<string?> FindPaidSubscriptionAsync(StripeCharge charge, CancellationToken cancellationToken)
    {
        if (charge.PaymentIntent is not { } intent)
            return null;
        var payments = await ListAsync(
            new InvoicePaymentListOptions
            {
                Payment = new() { Type = "payment_intent", PaymentIntent = intent },
                Expand = ["data.invoice"],
            },
            list => Api.InvoicePayments.ListAsync(list, cancellationToken: cancellationToken),
            StripeReading.SubscriptionOf);
        return payments.FirstOrDefault(static subscription => subscription is not null);
    }

    private static DateRangeOptions Since(DateTimeOffset since) => new() { GreaterThanOrEqual = since.UtcDateTime };

    private async IAsyncEnumerable<IReadOnlyList<StripeSubscription>> SubscriptionPagesAsync(
        string? customerId, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // Without a status, Stripe leaves out subscriptions that have ended.
        var pages = PagesAsync(
            new SubscriptionListOptions
            {
                Customer = customerId,
                Status = "all",
                Expand = ["data.latest_invoice", "data.schedule"],
            },
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

    /// <summary>Reads a list page by page. Each is mapped as soon as it is read: Stripe.net's objects are large.</summary>
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
