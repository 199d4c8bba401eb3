namespace PyResolve.Server.Billing.Gateway;

/// <summary>The calls to Stripe that are made here, and no others: the edge of the process, where tests put a Stripe of their own.</summary>
/// <remarks>Every call throws <see cref="StripeException"/> where Stripe refuses or does not answer. Lists are read to their end.</remarks>
internal interface IStripeGateway
{
    /// <summary>The same key within a day finds the same customer, however many ask at once.</summary>
    Task<StripeCustomer> CreateCustomerAsync(Guid userId, string email, string idempotencyKey, CancellationToken cancellationToken);

    /// <summary><see langword="null"/> where there never was one in this mode; a deleted one says so.</summary>
    Task<StripeCustomer?> FindCustomerAsync(string id, CancellationToken cancellationToken);

    Task<StripeCheckoutSession> CreateCheckoutAsync(NewCheckout checkout, string idempotencyKey, CancellationToken cancellationToken);

    Task<StripeCheckoutSession?> FindCheckoutAsync(string id, CancellationToken cancellationToken);

    /// <summary>Those of a customer that can still be paid through.</summary>
    Task<IReadOnlyList<StripeCheckoutSession>> ListOpenCheckoutsAsync(string customerId, CancellationToken cancellationToken);

    /// <summary>Nobody can pay through it any more. One that is not open is refused.</summary>
    Task ExpireCheckoutAsync(string id, CancellationToken cancellationToken);

    /// <summary>All of a customer's, the ended ones too, with all their items.</summary>
    Task<IReadOnlyList<StripeSubscription>> ListSubscriptionsAsync(string customerId, CancellationToken cancellationToken);

    /// <summary>Every subscription of the account at Stripe, page by page.</summary>
    IAsyncEnumerable<IReadOnlyList<StripeSubscription>> ListAllSubscriptionsAsync(CancellationToken cancellationToken);

    Task<StripeCharge?> FindChargeAsync(string id, CancellationToken cancellationToken);

    /// <summary>Those of the charges that a customer was made since an instant.</summary>
    Task<IReadOnlyList<StripeDispute>> ListDisputesAsync(string customerId, DateTimeOffset since, CancellationToken cancellationToken);

    /// <summary>At once, without a refund.</summary>
    Task CancelSubscriptionAsync(string id, CancellationToken cancellationToken);

    /// <param name="customerId">Whose portal.</param>
    /// <param name="returnUrl">Where the link back leads.</param>
    /// <param name="configuration"><see langword="null"/>: the account's default.</param>
    /// <param name="cancellationToken">Abandons it.</param>
    Task<StripePortalSession> CreatePortalAsync(string customerId, string returnUrl, string? configuration, CancellationToken cancellationToken);

    Task<StripeProduct?> FindProductAsync(string id, CancellationToken cancellationToken);

    Task<StripeProduct> CreateProductAsync(NewProduct product, CancellationToken cancellationToken);

    Task<StripePrice?> FindPriceAsync(string id, CancellationToken cancellationToken);

    Task<StripePrice?> FindPriceByLookupKeyAsync(string lookupKey, CancellationToken cancellationToken);

    /// <summary>Takes its lookup key away from the price that had it.</summary>
    Task<StripePrice> CreatePriceAsync(NewPrice price, CancellationToken cancellationToken);

    Task<IReadOnlyList<StripePortalConfiguration>> ListPortalConfigurationsAsync(CancellationToken cancellationToken);

    /// <param name="products">What a customer may switch between: prices by their product.</param>
    /// <param name="returnUrl">Where the portal's link back leads by default.</param>
    /// <param name="cancellationToken">Abandons it.</param>
    Task<StripePortalConfiguration> CreatePortalConfigurationAsync(IReadOnlyList<StripePrice> products, string returnUrl, CancellationToken cancellationToken);

    Task<IReadOnlyList<StripeWebhookEndpoint>> ListWebhookEndpointsAsync(CancellationToken cancellationToken);

    Task<StripeWebhookEndpoint> CreateWebhookEndpointAsync(string url, IReadOnlyList<string> events, CancellationToken cancellationToken);

    Task<StripeWebhookEndpoint> UpdateWebhookEndpointAsync(string id, IReadOnlyList<string> events, CancellationToken cancellationToken);

    /// <summary>Newest first, page by page, of the last 30 days at most.</summary>
    IAsyncEnumerable<IReadOnlyList<StripeEvent>> ListEventsAsync(DateTimeOffset since, IReadOnlyList<string> types, CancellationToken cancellationToken);

    /// <summary>How far Stripe's clock is ahead of ours, where it says.</summary>
    Task<TimeSpan?> MeasureSkewAsync(CancellationToken cancellationToken);
}

/// <param name="Attempt">Counts the account's checkouts. It is in the session's metadata, so that one nobody knows of is told from the present one.</param>
internal sealed record NewCheckout(Guid UserId, string CustomerId, string Price, string SuccessUrl, string CancelUrl, long Attempt)
{
    public const string AttemptKey = "attempt";
}

internal sealed record NewProduct(string Id, string Name, string Plan);

internal sealed record NewPrice(string Product, string LookupKey, long Amount, string Currency, string Interval);
