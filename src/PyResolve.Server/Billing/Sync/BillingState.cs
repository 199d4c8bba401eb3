using PyResolve.Server.Plans;

namespace PyResolve.Server.Billing.Sync;

/// <summary>What follows from all subscriptions of a customer: the plan, how long it lasts, and what the account is shown.</summary>
internal sealed record BillingState
{
    public static readonly BillingState None = new();

    /// <summary>The subscription that grants the plan, or the latest of ours where none does; null: none is ours.</summary>
    public string? SubscriptionId { get; init; }

    public string? Status { get; init; }

    public string Plan { get; init; } = PlanCatalog.Free;

    /// <summary>When <see cref="PlanThen"/> takes the place of <see cref="Plan"/>, even without a further event.</summary>
    public DateTimeOffset? PlanUntil { get; init; }

    public string PlanThen { get; init; } = PlanCatalog.Free;

    public long? Quantity { get; init; }

    /// <summary>The interval of billing: <c>month</c> or <c>year</c>, or another word of Stripe's.</summary>
    public string? Interval { get; init; }

    /// <summary>The end of the trial, while it lasts.</summary>
    public DateTimeOffset? TrialEndsAt { get; init; }

    /// <summary>The plan that Stripe's schedule continues with at <see cref="ScheduledAt"/>.</summary>
    public string? ScheduledPlan { get; init; }

    public DateTimeOffset? ScheduledAt { get; init; }

    public bool Cancelling { get; init; }

    public DateTimeOffset? CurrentPeriodEnd { get; init; }

    public DateTimeOffset? GraceEndsAt { get; init; }

    public string Remembered { get; init; } = "";

    /// <summary>The <see cref="ReviewFlags"/> that hold, sorted, separated by spaces.</summary>
    public string Flags { get; init; } = "";
}

/// <summary>Conditions that an operator should review.</summary>
internal static class ReviewFlags
{
    /// <summary>A payment is disputed, and the server is configured to end the plan.</summary>
    public const string Disputed = "disputed";

    /// <summary>More than one subscription grants a plan; the greatest plan counts, but the customer pays for all.</summary>
    public const string Duplicate = "duplicate_subscription";

    /// <summary>A plan without seats is paid for several times over.</summary>
    public const string NeedlessQuantity = "needless_quantity";

    public const string UnknownPrice = "unknown_price";

    public const string UnknownStatus = "unknown_status";
}
