using PyResolve.Server.Plans;
using PyResolve.Server.Quota;

namespace PyResolve.Server.Billing.Sync;

/// <summary>What a customer's subscriptions come to: the plan, how long it counts, and what is shown of it.</summary>
internal sealed record Standing
{
    public static readonly Standing None = new();

    /// <summary>The subscription that counts, or the latest where none does.</summary>
    public string? SubscriptionId { get; init; }

    /// <summary>Stripe's word.</summary>
    public string? Status { get; init; }

    public string Plan { get; init; } = PlanCatalog.Free;

    /// <summary>When <see cref="Plan"/> gives way to <see cref="PlanThen"/>, even if nothing arrives.</summary>
    public DateTimeOffset? PlanUntil { get; init; }

    public string PlanThen { get; init; } = PlanCatalog.Free;

    public long? Quantity { get; init; }

    public bool Cancelling { get; init; }

    public DateTimeOffset? CurrentPeriodEnd { get; init; }

    public DateTimeOffset? GraceEndsAt { get; init; }

    /// <summary>What each subscription was seen to be: <see cref="SubscriptionMemories"/>.</summary>
    public string Remembered { get; init; } = "";

    /// <summary><see cref="StandingFlags"/>, sorted, with blanks between.</summary>
    public string Flags { get; init; } = "";
}

/// <summary>What somebody should look at.</summary>
internal static class StandingFlags
{
    /// <summary>A payment is disputed, and the operator wants that to end the plan.</summary>
    public const string Disputed = "disputed";

    /// <summary>More than one subscription is in force; the greatest plan counts, and the customer pays for all.</summary>
    public const string Duplicate = "duplicate_subscription";

    /// <summary>No plan is known for its price.</summary>
    public const string UnknownPrice = "unknown_price";

    /// <summary>Stripe uses a status that this version does not know.</summary>
    public const string UnknownStatus = "unknown_status";
}
