using System.Text.Json;
using System.Text.Json.Serialization;

namespace PyResolve.Server.Billing.Gateway;

// What we read of Stripe's objects. Words that Stripe may add to at any time (statuses, behaviours) are text.

internal sealed record StripeList<T>(IReadOnlyList<T> Data, bool HasMore = false);

internal sealed record StripeCustomer(string Id)
{
    public bool Deleted { get; init; }

    public bool Livemode { get; init; }

    public string? Email { get; init; }

    public IReadOnlyDictionary<string, string>? Metadata { get; init; }
}

internal sealed record StripeCheckoutSession(string Id)
{
    public const string Open = "open";
    public const string Complete = "complete";

    public string? Url { get; init; }

    /// <summary><c>open</c>, <c>complete</c> or <c>expired</c>.</summary>
    public string? Status { get; init; }

    /// <summary><c>paid</c>, <c>unpaid</c> or <c>no_payment_required</c>.</summary>
    public string? PaymentStatus { get; init; }

    public string? Mode { get; init; }

    [JsonConverter(typeof(StripeReference))]
    public string? Customer { get; init; }

    [JsonConverter(typeof(StripeReference))]
    public string? Subscription { get; init; }

    public string? ClientReferenceId { get; init; }

    public IReadOnlyDictionary<string, string>? Metadata { get; init; }

    [JsonConverter(typeof(UnixSeconds))]
    public DateTimeOffset? ExpiresAt { get; init; }

    public bool Livemode { get; init; }
}

internal sealed record StripeSubscription(string Id)
{
    [JsonConverter(typeof(StripeReference))]
    public string? Customer { get; init; }

    public required string Status { get; init; }

    public StripeList<StripeSubscriptionItem>? Items { get; init; }

    [JsonConverter(typeof(UnixSeconds))]
    public DateTimeOffset? CancelAt { get; init; }

    public bool CancelAtPeriodEnd { get; init; }

    /// <summary>Where API versions before 2025-03-31 have it; later ones have it on the items.</summary>
    [JsonConverter(typeof(UnixSeconds))]
    public DateTimeOffset? CurrentPeriodEnd { get; init; }

    public StripePauseCollection? PauseCollection { get; init; }

    [JsonConverter(typeof(UnixSeconds))]
    public DateTimeOffset? Created { get; init; }

    public bool Livemode { get; init; }

    public IReadOnlyDictionary<string, string>? Metadata { get; init; }

    /// <summary>Ours: whether a payment of the customer's has been disputed since it began. Asked for only where that ends a plan.</summary>
    [JsonIgnore]
    public bool IsDisputed { get; init; }
}

internal sealed record StripeSubscriptionItem(string Id)
{
    public StripePrice? Price { get; init; }

    public long? Quantity { get; init; }

    [JsonConverter(typeof(UnixSeconds))]
    public DateTimeOffset? CurrentPeriodEnd { get; init; }
}

internal sealed record StripeCharge(string Id)
{
    [JsonConverter(typeof(StripeReference))]
    public string? Customer { get; init; }

    public bool Disputed { get; init; }
}

internal sealed record StripeDispute(string Id)
{
    public string? Status { get; init; }

    [JsonConverter(typeof(UnixSeconds))]
    public DateTimeOffset? Created { get; init; }

    /// <summary>Whether the money is gone, for now or for good. A warning takes none yet, and one that was won brings it back.</summary>
    public bool FundsWithdrawn => Status is "needs_response" or "under_review" or "lost";
}

internal sealed record StripePauseCollection(string? Behavior);

internal sealed record StripePrice(string Id)
{
    public string? LookupKey { get; init; }

    [JsonConverter(typeof(StripeReference))]
    public string? Product { get; init; }

    public StripeRecurring? Recurring { get; init; }

    public long? UnitAmount { get; init; }

    public string? Currency { get; init; }

    public bool Active { get; init; }

    public bool Livemode { get; init; }
}

internal sealed record StripeRecurring(string? Interval, string? UsageType);

internal sealed record StripeProduct(string Id)
{
    public bool Active { get; init; }

    public string? Name { get; init; }

    public IReadOnlyDictionary<string, string>? Metadata { get; init; }
}

internal sealed record StripePortalSession(string Url);

internal sealed record StripePortalConfiguration(string Id)
{
    public bool Active { get; init; }

    public bool IsDefault { get; init; }

    public IReadOnlyDictionary<string, string>? Metadata { get; init; }
}

internal sealed record StripeWebhookEndpoint(string Id, string Url)
{
    public IReadOnlyList<string>? EnabledEvents { get; init; }

    public string? ApiVersion { get; init; }

    /// <summary><c>enabled</c> or <c>disabled</c>.</summary>
    public string? Status { get; init; }

    /// <summary>Told once: in the answer that creates it.</summary>
    public string? Secret { get; init; }

    public bool Livemode { get; init; }
}

internal sealed record StripeEvent(string Id)
{
    public string? Object { get; init; }

    public string? Type { get; init; }

    public bool? Livemode { get; init; }

    public string? ApiVersion { get; init; }

    [JsonConverter(typeof(UnixSeconds))]
    public DateTimeOffset? Created { get; init; }

    public StripeEventData? Data { get; init; }
}

internal sealed record StripeEventData(JsonElement Object);

internal sealed record StripeErrorBody(JsonElement Error);
