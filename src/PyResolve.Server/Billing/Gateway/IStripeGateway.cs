namespace PyResolve.Server.Billing.Gateway;

/// <summary>
/// The calls to Stripe. Each throws <see cref="StripeException"/> where Stripe refuses or does not answer. Lists are read to their end.
/// </summary>
internal interface IStripeGateway
{
    /// <summary>Creates a customer. Within a day the same key returns the same customer, even to concurrent calls.</summary>
    Task<StripeCustomer> CreateCustomerAsync(Guid userId, string email, string idempotencyKey, CancellationToken cancellationToken);

    /// <summary>
    /// Finds a customer. null where it never existed in this mode; a deleted one has <see cref="StripeCustomer.Deleted"/> set.
    /// </summary>
    Task<StripeCustomer?> FindCustomerAsync(string id, CancellationToken cancellationToken);

    Task<StripeCheckoutSession> CreateCheckoutAsync(NewCheckout checkout, string idempotencyKey, CancellationToken cancellationToken);

    /// <summary>Tries whether a checkout can be opened: opens it, and closes it.</summary>
    Task TryCheckoutAsync(NewCheckout checkout, CancellationToken cancellationToken);

    /// <summary>Tries whether a checkout of credits can be opened: opens it, and closes it.</summary>
    Task TryPurchaseAsync(NewPurchase purchase, CancellationToken cancellationToken);

    /// <summary>Opens a page where the customer gives a way to pay for a paused subscription.</summary>
    Task<StripeCheckoutSession> CreateSetupAsync(NewSetup setup, string idempotencyKey, CancellationToken cancellationToken);

    /// <summary>The way to pay that such a page gave; null: none.</summary>
    Task<string?> FindSetupPaymentMethodAsync(string sessionId, CancellationToken cancellationToken);

    /// <summary>
    /// Resumes a paused subscription with a new period, which the customer pays in this way. Until it is paid, the subscription stays
    /// paused.
    /// </summary>
    Task ResumeSubscriptionAsync(
        string id, string customerId, string paymentMethod, string idempotencyKey, CancellationToken cancellationToken);

    Task<StripeCheckoutSession?> FindCheckoutAsync(string id, CancellationToken cancellationToken);

    Task<IReadOnlyList<StripeCheckoutSession>> ListOpenCheckoutsAsync(string customerId, CancellationToken cancellationToken);

    /// <summary>Lists completed checkouts, newest first.</summary>
    Task<IReadOnlyList<StripeCheckoutSession>> ListCompletedCheckoutsAsync(string customerId, CancellationToken cancellationToken);

    /// <summary>Closes a checkout. Stripe refuses a session that is not open.</summary>
    Task ExpireCheckoutAsync(string id, CancellationToken cancellationToken);

    /// <summary>Includes ended subscriptions, with all items.</summary>
    Task<IReadOnlyList<StripeSubscription>> ListSubscriptionsAsync(string customerId, CancellationToken cancellationToken);

    Task<StripeSubscription?> FindSubscriptionAsync(string id, CancellationToken cancellationToken);

    /// <summary>Lists all subscriptions, without those of customers on test clocks, which Stripe lists only for their customer.</summary>
    IAsyncEnumerable<IReadOnlyList<StripeSubscription>> ListAllSubscriptionsAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Lists one page of invoices, newest first; null: Stripe does not know the invoice <paramref name="after"/>, or the customer.
    /// </summary>
    /// <param name="status">As Stripe names it; null: every one.</param>
    /// <param name="after">The last of the page before; null: the first page.</param>
    /// <param name="count">The most to read.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    Task<StripeList<StripeInvoice>?> ListInvoicesAsync(
        string customerId, string? status, string? after, int count, CancellationToken cancellationToken);

    Task<StripeInvoice?> FindInvoiceAsync(string id, CancellationToken cancellationToken);

    Task<StripeCharge?> FindChargeAsync(string id, CancellationToken cancellationToken);

    /// <summary>Lists the disputes of charges that were made since an instant.</summary>
    Task<IReadOnlyList<StripeDispute>> ListDisputesAsync(string customerId, DateTimeOffset since, CancellationToken cancellationToken);

    /// <summary>Ends a subscription at once, without a refund.</summary>
    /// <param name="id">The subscription's.</param>
    /// <param name="invoicesUsage">Whether a last invoice has what a meter counted since the one before.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    Task CancelSubscriptionAsync(string id, bool invoicesUsage, CancellationToken cancellationToken);

    /// <summary>Opens the portal. Without a <paramref name="configuration"/>, the account's default is used.</summary>
    Task<StripePortalSession> CreatePortalAsync(
        string customerId, string returnUrl, string? configuration, CancellationToken cancellationToken);

    Task<StripeProduct?> FindProductAsync(string id, CancellationToken cancellationToken);

    Task<StripeProduct> CreateProductAsync(NewProduct product, CancellationToken cancellationToken);

    /// <summary>Updates a product. What is null stays as it is.</summary>
    Task<StripeProduct> UpdateProductAsync(string id, string? name, string? taxCode, CancellationToken cancellationToken);

    Task<StripePrice?> FindPriceAsync(string id, CancellationToken cancellationToken);

    Task<StripePrice?> FindPriceByLookupKeyAsync(string lookupKey, CancellationToken cancellationToken);

    /// <summary>Creates a price, and takes the lookup key away from the price that had it.</summary>
    Task<StripePrice> CreatePriceAsync(NewPrice price, CancellationToken cancellationToken);

    Task<IReadOnlyList<StripePortalConfiguration>> ListPortalConfigurationsAsync(CancellationToken cancellationToken);

    Task<StripePortalConfiguration> CreatePortalConfigurationAsync(PortalContents contents, CancellationToken cancellationToken);

    /// <summary>Updates a configuration. What the contents do not name, such as how a subscription is cancelled, stays as it is.</summary>
    Task<StripePortalConfiguration> UpdatePortalConfigurationAsync(
        string id, PortalContents contents, CancellationToken cancellationToken);

    Task<IReadOnlyList<StripeWebhookEndpoint>> ListWebhookEndpointsAsync(CancellationToken cancellationToken);

    Task<StripeWebhookEndpoint> CreateWebhookEndpointAsync(string url, IReadOnlyList<string> events, CancellationToken cancellationToken);

    Task<StripeWebhookEndpoint> UpdateWebhookEndpointAsync(string id, IReadOnlyList<string> events, CancellationToken cancellationToken);

    /// <summary>Lists events, newest first, page by page. Stripe keeps the last 30 days.</summary>
    IAsyncEnumerable<IReadOnlyList<StripeEvent>> ListEventsAsync(
        DateTimeOffset since, IReadOnlyList<string> types, CancellationToken cancellationToken);

    /// <summary>Lists the permissions that selling needs and the key does not have, as the dashboard names them.</summary>
    Task<IReadOnlyList<string>> ListMissingPermissionsAsync(CancellationToken cancellationToken);

    Task<StripeCheckoutSession> CreatePurchaseAsync(NewPurchase purchase, string idempotencyKey, CancellationToken cancellationToken);

    /// <summary>Includes those refunded or disputed since.</summary>
    Task<IReadOnlyList<PaidCredits>> ListPaidCreditsAsync(string customerId, CancellationToken cancellationToken);

    /// <returns>The id of the active meter of this event name; null: there is none.</returns>
    Task<string?> FindMeterAsync(string eventName, CancellationToken cancellationToken);

    Task<string> CreateMeterAsync(string eventName, string title, CancellationToken cancellationToken);

    /// <summary>Adds a metered price to a subscription.</summary>
    Task AddMeteredItemAsync(string subscriptionId, string price, string idempotencyKey, CancellationToken cancellationToken);

    /// <summary>Reports overage to a meter. Stripe refuses a repetition, see <see cref="StripeException.IsOfKnownIdentifier"/>.</summary>
    Task ReportUsageAsync(string meter, MeterReport report, CancellationToken cancellationToken);

    /// <summary>How far Stripe's clock is ahead of ours; null where its answer has no date.</summary>
    Task<TimeSpan?> MeasureSkewAsync(CancellationToken cancellationToken);
}

/// <summary>
/// A checkout to open. <c>Attempt</c> is in the session's metadata, by which a session that was made but never stored can be recognized.
/// </summary>
/// <param name="UserId">Who buys.</param>
/// <param name="CustomerId">null: nobody yet, for a checkout that is only tried.</param>
/// <param name="Price">What is sold.</param>
/// <param name="SuccessUrl">Where the page leads after the payment.</param>
/// <param name="CancelUrl">Where it leads without one.</param>
/// <param name="Attempt">The number of the attempt.</param>
internal sealed record NewCheckout(Guid UserId, string? CustomerId, string Price, string SuccessUrl, string CancelUrl, long Attempt)
{
    public const string AttemptKey = "attempt";

    /// <summary>The number of seats; null for a metered price: Stripe counts what was used.</summary>
    public long? Quantity { get; init; } = 1;

    /// <summary>The days of the trial; null: none.</summary>
    public int? TrialDays { get; init; }

    /// <summary>Whether the trial needs a card. One without pauses the subscription at its end, until there is one.</summary>
    public bool TrialNeedsCard { get; init; } = true;
}

/// <summary>A page that asks for a way to pay. <c>Resumes</c>, a subscription, is in the session's metadata.</summary>
internal sealed record NewSetup(
    Guid UserId, string CustomerId, string Resumes, string Currency, string SuccessUrl, string CancelUrl, long Attempt);

internal sealed record NewProduct(string Id, string Name, string Plan, string TaxCode);

/// <summary>
/// A price to create. <c>Interval</c>: null where it is paid once. <c>Meter</c>: Stripe's id of it; null where nothing is counted.
/// </summary>
internal sealed record NewPrice(
    string Product, string LookupKey, long Amount, string Currency, string? Interval, string? Meter = null);

/// <summary>A one-off payment for credits.</summary>
/// <param name="UserId">Who buys.</param>
/// <param name="CustomerId">null: nobody yet, for a checkout that is only tried.</param>
/// <param name="Price">What is sold.</param>
/// <param name="SuccessUrl">Where the page leads after the payment.</param>
/// <param name="CancelUrl">Where it leads without one.</param>
internal sealed record NewPurchase(Guid UserId, string? CustomerId, string Price, string SuccessUrl, string CancelUrl)
{
    public const string UnitsKey = "credit_units";
    public const string DaysKey = "credit_days";

    public required int Units { get; init; }

    public int? ValidDays { get; init; }
}

/// <summary>A paid one-off payment for credits.</summary>
/// <param name="SessionId">The checkout's.</param>
/// <param name="UserId">Who bought them.</param>
/// <param name="Units">How many.</param>
/// <param name="ValidDays">null: they do not end.</param>
/// <param name="RefundedPercent">Rounded up; 100 while a dispute has withdrawn the money.</param>
internal sealed record PaidCredits(string SessionId, Guid UserId, int Units, int? ValidDays, int RefundedPercent);
