using System.Text.Json.Nodes;

namespace PyResolve.StripeSimulator.Objects;

internal sealed class Invoice : StripeObject
{
    public override string Kind => "invoice";

    public required string CustomerId { get; init; }

    public required string SubscriptionId { get; init; }

    public required string Number { get; init; }

    /// <summary>Its page; the simulator makes no PDF, so that both links lead there.</summary>
    public required string Url { get; init; }

    public required string Currency { get; init; }

    public required long Total { get; init; }

    public required string BillingReason { get; init; } // subscription_create, subscription_cycle or subscription_update

    public string Status { get; set; } = "draft"; // draft, open, paid, uncollectible or void

    public int AttemptCount { get; set; }

    public long? NextPaymentAttempt { get; set; }

    public long? PaidAt { get; set; }

    public string? TestClockId { get; init; }

    public long PeriodStart { get; init; }

    public long PeriodEnd { get; init; }

    public required IReadOnlyDictionary<string, string> SubscriptionMetadata { get; init; }

    /// <summary>The customer's balance before and after: a negative one is a credit, which pays a part, and is carried over.</summary>
    public required long StartingBalance { get; init; }

    public long EndingBalance => Math.Min(StartingBalance + Total, 0);

    public long AmountDue => Math.Max(StartingBalance + Total, 0);

    private long AmountPaid => Status == "paid" ? AmountDue : 0;

    public override JsonObject Render() => new()
    {
        ["id"] = Id,
        ["object"] = Kind,
        ["amount_due"] = AmountDue,
        ["amount_paid"] = AmountPaid,
        ["amount_remaining"] = AmountDue - AmountPaid,
        ["attempt_count"] = AttemptCount,
        ["attempted"] = AttemptCount > 0,
        ["auto_advance"] = Status is "draft" or "open",
        ["billing_reason"] = BillingReason,
        ["collection_method"] = "charge_automatically",
        ["created"] = Created,
        ["currency"] = Currency,
        ["customer"] = CustomerId,
        ["discounts"] = new JsonArray(),
        ["ending_balance"] = EndingBalance,
        ["hosted_invoice_url"] = Status == "draft" ? null : Url,
        ["invoice_pdf"] = Status == "draft" ? null : Url,
        ["livemode"] = false,
        ["metadata"] = new JsonObject(),
        ["next_payment_attempt"] = NextPaymentAttempt,
        ["number"] = Number,
        ["parent"] = new JsonObject
        {
            ["quote_details"] = null,
            ["subscription_details"] = new JsonObject
            {
                ["metadata"] = Shapes.Map(SubscriptionMetadata),
                ["subscription"] = SubscriptionId,
            },
            ["type"] = "subscription_details",
        },
        ["period_end"] = PeriodEnd,
        ["period_start"] = PeriodStart,
        ["status"] = Status,
        ["status_transitions"] = new JsonObject
        {
            ["finalized_at"] = Status == "draft" ? null : Created,
            ["marked_uncollectible_at"] = null,
            ["paid_at"] = PaidAt,
            ["voided_at"] = null,
        },
        ["starting_balance"] = StartingBalance,
        ["subtotal"] = Total,
        ["test_clock"] = TestClockId,
        ["total"] = Total,
    };
}
