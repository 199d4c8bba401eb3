using System.Text.Json;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Billing.Gateway;

// What is read of Stripe's objects. Stripe may add words to statuses, types and behaviors at any time, so they are text.

internal sealed record StripeList<T>(IReadOnlyList<T> Data, bool HasMore = false);

internal sealed record StripeCustomer(string Id)
{
    public bool Deleted { get; init; }

    public bool Livemode { get; init; }

    public IReadOnlyDictionary<string, string>? Metadata { get; init; }
}

internal sealed record StripeCheckoutSession(string Id)
{
    public const string Open = "open";
    public const string Complete = "complete";
    public const string ResumesKey = "resumes";

    public string? Url { get; init; }

    /// <summary>The state of the session: <c>open</c>, <c>complete</c> or <c>expired</c>.</summary>
    public string? Status { get; init; }

    public string? Customer { get; init; }

    public string? Subscription { get; init; }

    public string? ClientReferenceId { get; init; }

    public IReadOnlyDictionary<string, string>? Metadata { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The paused subscription for which the session asks for a way to pay; null: it sells something.</summary>
    public string? Resumes => Metadata?.GetValueOrDefault(ResumesKey);
}

internal sealed record StripeSubscription(string Id)
{
    public string? Customer { get; init; }

    public required string Status { get; init; }

    public StripeList<StripeSubscriptionItem>? Items { get; init; }

    public DateTimeOffset? CancelAt { get; init; }

    public bool CancelAtPeriodEnd { get; init; }

    /// <summary>The end of the period. Only in API versions before 2025-03-31; later ones have it in the items.</summary>
    public DateTimeOffset? CurrentPeriodEnd { get; init; }

    public StripePauseCollection? PauseCollection { get; init; }

    public DateTimeOffset? Created { get; init; }

    public DateTimeOffset? TrialEnd { get; init; }

    public StripeInvoice? LatestInvoice { get; init; }

    /// <summary>The next phase of its schedule; null where nothing is scheduled.</summary>
    public StripePhase? NextPhase { get; init; }

    public IReadOnlyDictionary<string, string>? Metadata { get; init; }

    /// <summary>
    /// Whether a payment has been disputed since the subscription began. Not Stripe's; set only where a dispute ends a plan.
    /// </summary>
    public bool IsDisputed { get; init; }

    /// <summary>The plans whose overage it bills, separated by spaces; null: none. Not Stripe's.</summary>
    public string? Bills { get; init; }
}

internal sealed record StripePhase(DateTimeOffset Start, IReadOnlyList<string> Prices);

internal sealed record StripeSubscriptionItem(string Id)
{
    public StripePrice? Price { get; init; }

    public long? Quantity { get; init; }

    public DateTimeOffset? CurrentPeriodStart { get; init; }

    public DateTimeOffset? CurrentPeriodEnd { get; init; }
}

internal sealed record StripeInvoice(string Id)
{
    public string? Customer { get; init; }

    public string? Number { get; init; }

    public DateTimeOffset? Created { get; init; }

    /// <summary>The state of the invoice: <c>draft</c>, <c>open</c>, <c>paid</c>, <c>uncollectible</c> or <c>void</c>.</summary>
    public string? Status { get; init; }

    /// <summary>
    /// The reason for the invoice: <c>subscription_create</c>, <c>subscription_cycle</c>, <c>subscription_update</c>, or another.
    /// </summary>
    public string? BillingReason { get; init; }

    public long AmountDue { get; init; }

    public long AmountPaid { get; init; }

    public string? Currency { get; init; }

    public string? HostedUrl { get; init; }

    public string? PdfUrl { get; init; }
}

internal sealed record StripeCharge(string Id)
{
    public string? Customer { get; init; }

    public bool Disputed { get; init; }

    public string? PaymentIntent { get; init; }
}

internal sealed record StripeDispute(string Id)
{
    public string? Status { get; init; }

    public DateTimeOffset? Created { get; init; }

    /// <summary>The subscription whose invoice the disputed charge paid; null: it paid for something else.</summary>
    public string? Subscription { get; init; }

    /// <summary>Whether the dispute withdraws the money. A warning does not yet, and a dispute that is won returns it.</summary>
    public bool FundsWithdrawn => Status is "needs_response" or "under_review" or "lost";
}

internal sealed record StripePauseCollection(string? Behavior);

internal sealed record StripePrice(string Id)
{
    public string? LookupKey { get; init; }

    public string? Product { get; init; }

    public StripeRecurring? Recurring { get; init; }

    /// <summary>The value of <c>plan</c> in its metadata.</summary>
    public string? Plan { get; init; }

    public bool IsMetered => Recurring?.UsageType == "metered";

    public long? UnitAmount { get; init; }

    public string? Currency { get; init; }

    public bool Active { get; init; }

    public bool Livemode { get; init; }

    /// <summary>The price that it charges, in place of a price of the catalogue.</summary>
    public CatalogPrice ToCatalog(CatalogPrice wanted) => wanted with
    {
        Amount = UnitAmount ?? 0,
        Currency = Currency ?? "",
        Interval = Recurring?.Interval ?? "time",
        IsMetered = IsMetered,
        IsNamedByInterval = wanted.IsNamedByInterval,
    };
}

internal sealed record StripeRecurring(string? Interval, string? UsageType)
{
    /// <summary>The id of the meter; null: nothing is counted.</summary>
    public string? Meter { get; init; }
}

internal sealed record StripeProduct(string Id)
{
    public string? Name { get; init; }

    public string? TaxCode { get; init; }

    public IReadOnlyDictionary<string, string>? Metadata { get; init; }
}

internal sealed record StripePortalSession(string Url);

internal sealed record StripePortalConfiguration(string Id)
{
    public static IReadOnlyList<string> DowngradeConditions { get; } = ["decreasing_item_amount", "shortening_interval"];

    /// <summary>Whether customers can change to another price.</summary>
    public bool SwitchesPlans { get; init; }

    /// <summary>The prices to which customers can change.</summary>
    public IReadOnlyList<string> Prices { get; init; } = [];

    /// <summary>The kinds of changes that wait for the end of the period.</summary>
    public IReadOnlyList<string> ScheduledChanges { get; init; } = [];

    public bool DowngradesAtOnce => SwitchesPlans && !DowngradeConditions.All(ScheduledChanges.Contains);

    public bool Active { get; init; }

    public bool IsDefault { get; init; }

    public IReadOnlyDictionary<string, string>? Metadata { get; init; }
}

internal sealed record StripeWebhookEndpoint(string Id, string Url)
{
    public IReadOnlyList<string>? EnabledEvents { get; init; }

    public string? ApiVersion { get; init; }

    /// <summary>The state of the endpoint: <c>enabled</c> or <c>disabled</c>.</summary>
    public string? Status { get; init; }

    /// <summary>The secret of its signatures. Only in the answer that creates the endpoint.</summary>
    public string? Secret { get; init; }
}

internal sealed record StripeEvent(string Id)
{
    public string? Object { get; init; }

    public string? Type { get; init; }

    public bool? Livemode { get; init; }

    public DateTimeOffset? Created { get; init; }

    public StripeEventData? Data { get; init; }
}

internal sealed record StripeEventData(JsonElement Object);
