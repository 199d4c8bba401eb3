using System.Text.Json.Nodes;

namespace PyResolve.StripeSimulator.Objects;

internal sealed class Invoice : StripeObject
{
    public const int TaxPercent = 20;

    public override string Kind => "invoice";

    public required string CustomerId { get; init; }

    public string? SubscriptionId { get; init; } // Null: an invoice by itself.

    public required string Number { get; init; }

    /// <summary>Its page; the simulator makes no PDF, so that both links lead there.</summary>
    public required string Url { get; init; }

    public required string Currency { get; init; }

    public required IReadOnlyList<InvoiceLine> Lines { get; set; }

    public IReadOnlyList<(Discount Discount, long Amount)> Discounts { get; set; } = [];

    public bool HasAutomaticTax { get; init; }

    public long Subtotal => Lines.Sum(static line => line.Amount);

    public long Discounted => Subtotal - Discounts.Sum(static discount => discount.Amount);

    public long Tax => HasAutomaticTax ? TaxOn(Discounted) : 0;

    public long Total => Discounted + Tax;

    public required string BillingReason { get; init; } // Such as subscription_create, subscription_cycle or manual.

    public PaymentIntent? Intent { get; set; } // What pays it; null where nothing is due.

    public InvoicePayment? Payment { get; set; }

    public string? Description { get; init; }

    public Dictionary<string, string> Metadata { get; set; } = [];

    public string Status { get; set; } = "draft"; // draft, open, paid, uncollectible or void

    public int AttemptCount { get; set; }

    public long? NextPaymentAttempt { get; set; }

    public long? PaidAt { get; set; }

    public string? TestClockId { get; init; }

    public long PeriodStart { get; init; }

    public long PeriodEnd { get; init; }

    public IReadOnlyDictionary<string, string> SubscriptionMetadata { get; init; } = new Dictionary<string, string>();

    /// <summary>The customer's balance before and after: a negative one is a credit, which pays a part, and is carried over.</summary>
    public required long StartingBalance { get; set; }

    public long EndingBalance => Math.Min(StartingBalance + Total, 0);

    public long AmountDue => Math.Max(StartingBalance + Total, 0);

    /// <summary>Automatic tax, the same for everybody, added to the price.</summary>
    public static long TaxOn(long amount) => (long)Math.Round(amount * TaxPercent / 100m, MidpointRounding.AwayFromZero);

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
        ["automatic_tax"] = new JsonObject { ["enabled"] = HasAutomaticTax, ["status"] = HasAutomaticTax ? "complete" : null },
        ["auto_advance"] = Status is "draft" or "open",
        ["billing_reason"] = BillingReason,
        ["collection_method"] = "charge_automatically",
        ["created"] = Created,
        ["currency"] = Currency,
        ["customer"] = CustomerId,
        ["description"] = Description,
        ["discounts"] = Shapes.Array(Discounts.Select(static discount => discount.Discount.Id)),
        ["ending_balance"] = EndingBalance,
        ["hosted_invoice_url"] = Status == "draft" ? null : Url,
        ["invoice_pdf"] = Status == "draft" ? null : Url,
        ["lines"] = Shapes.List($"/v1/invoices/{Id}/lines", Lines.Select(line => line.Render(Id, Currency))),
        ["livemode"] = false,
        ["metadata"] = Shapes.Map(Metadata),
        ["next_payment_attempt"] = NextPaymentAttempt,
        ["number"] = Number,
        ["parent"] = SubscriptionId is null
            ? null
            : new JsonObject
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
        ["subtotal"] = Subtotal,
        ["subtotal_excluding_tax"] = Subtotal,
        ["test_clock"] = TestClockId,
        ["total"] = Total,
        ["total_discount_amounts"] = new JsonArray([.. Discounts.Select(static discount => (JsonNode)new JsonObject
        {
            ["amount"] = discount.Amount, ["discount"] = discount.Discount.Id,
        })]),
        ["total_excluding_tax"] = Discounted,
        ["total_taxes"] = HasAutomaticTax ? new JsonArray(RenderTax()) : new JsonArray(),
    };
    private JsonObject RenderTax() => new()
    {
        ["amount"] = Tax,
        ["tax_behavior"] = "exclusive",
        ["tax_rate_details"] = null,
        ["taxability_reason"] = "standard_rated",
        ["taxable_amount"] = Discounted,
        ["type"] = "tax_rate_details",
    };
}
