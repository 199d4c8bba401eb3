using System.Text.Json.Nodes;

namespace PyResolve.StripeSimulator.Objects;

internal sealed record LineItem(string Id, Price Price, long Quantity)
{
    public long Amount => Price.Recurring is { IsMetered: true } ? 0 : Price.UnitAmount * Quantity;

    public JsonObject Render() => new()
    {
        ["id"] = Id,
        ["object"] = "item",
        ["amount_discount"] = 0,
        ["amount_subtotal"] = Amount,
        ["amount_tax"] = 0,
        ["amount_total"] = Amount,
        ["currency"] = Price.Currency,
        ["description"] = Price.Nickname,
        ["price"] = Price.Render(),
        ["quantity"] = Quantity,
    };
}

internal sealed class CheckoutSession : StripeObject
{
    public override string Kind => "checkout.session";

    public string Mode { get; init; } = "subscription"; // or payment, or setup

    public required string Url { get; init; }

    public required string SuccessUrl { get; init; }

    public string? CancelUrl { get; init; }

    public string? CustomerId { get; set; }

    public string? CustomerEmail { get; init; }

    public string? ClientReferenceId { get; init; }

    public required IReadOnlyList<LineItem> LineItems { get; init; }

    public Dictionary<string, string> Metadata { get; set; } = [];

    public Dictionary<string, string> SubscriptionMetadata { get; init; } = [];

    public string? SubscriptionDescription { get; init; }

    public Dictionary<string, string> PaymentMetadata { get; init; } = [];

    public string? PaymentDescription { get; init; }

    /// <summary>Whether a one-off payment makes a customer.</summary>
    public bool CreatesCustomer { get; init; }

    public string CardCollection { get; init; } = "always"; // or if_required

    /// <summary>From the request, or from the code that the person typed.</summary>
    public IReadOnlyList<Reduction> Reductions { get; set; } = [];

    public long? TrialDays { get; init; }

    public long? TrialEnd { get; init; }

    public string MissingPaymentMethod { get; init; } = "create_invoice";

    public required string BillingMode { get; init; }

    public bool AllowPromotionCodes { get; init; }

    public bool HasAutomaticTax { get; init; }

    public bool CollectsTaxIds { get; init; }

    public bool? IsManaged { get; init; }

    public string? Locale { get; init; }

    public required long ExpiresAt { get; init; }

    public string Status { get; set; } = "open"; // open, complete or expired

    public string PaymentStatus { get; set; } = "unpaid"; // unpaid, paid or no_payment_required

    public string? SubscriptionId { get; set; }

    public string? PaymentIntentId { get; set; }

    public string? InvoiceId { get; set; }

    public string? SetupIntentId { get; init; }

    public string? SetupCurrency { get; init; }

    public string Currency => SetupCurrency ?? LineItems[0].Price.Currency;

    public bool HasTrial => TrialDays is not null || TrialEnd is not null;

    public long Subtotal => HasTrial ? 0 : LineItems.Sum(static item => item.Amount);

    public long Off => Subtotal - Reductions.Aggregate(Subtotal, static (rest, reduction) => rest - reduction.Coupon.Off(rest));

    public long Tax => HasAutomaticTax ? Invoice.TaxOn(Subtotal - Off) : 0;

    public long DueToday => Subtotal - Off + Tax;

    public bool AllowsNoCard => DueToday == 0 && (CardCollection == "if_required" || Mode == "payment");

    public override JsonObject Render() => new()
    {
        ["id"] = Id,
        ["object"] = Kind,
        ["allow_promotion_codes"] = AllowPromotionCodes,
        ["amount_subtotal"] = Subtotal,
        ["amount_total"] = DueToday,
        ["automatic_tax"] = new JsonObject { ["enabled"] = HasAutomaticTax, ["status"] = HasAutomaticTax ? "complete" : null },
        ["cancel_url"] = CancelUrl,
        ["client_reference_id"] = ClientReferenceId,
        ["created"] = Created,
        ["currency"] = Currency,
        ["customer"] = CustomerId,
        ["customer_creation"] = Mode == "payment" ? (CreatesCustomer ? "always" : "if_required") : null,
        ["customer_details"] = CustomerEmail is null ? null : new JsonObject { ["email"] = CustomerEmail },
        ["customer_email"] = CustomerEmail,
        ["discounts"] = new JsonArray([.. Reductions.Select(static reduction => (JsonNode)new JsonObject
        {
            ["coupon"] = reduction.Code is null ? reduction.Coupon.Id : null,
            ["promotion_code"] = reduction.Code?.Id,
        })]),
        ["expires_at"] = ExpiresAt,
        ["invoice"] = InvoiceId,
        ["livemode"] = false,
        ["locale"] = Locale,
        ["managed_payments"] = new JsonObject { ["enabled"] = IsManaged ?? false },
        ["metadata"] = Shapes.Map(Metadata),
        ["mode"] = Mode,
        ["payment_intent"] = PaymentIntentId,
        ["payment_method_collection"] = CardCollection,
        ["payment_method_types"] = Shapes.Array(["card"]),
        ["payment_status"] = PaymentStatus,
        ["setup_intent"] = SetupIntentId,
        ["status"] = Status,
        ["subscription"] = SubscriptionId,
        ["success_url"] = SuccessUrl,
        ["tax_id_collection"] = new JsonObject { ["enabled"] = CollectsTaxIds, ["required"] = "never" },
        ["total_details"] = new JsonObject { ["amount_discount"] = Off, ["amount_shipping"] = 0, ["amount_tax"] = Tax },
        ["ui_mode"] = "hosted_page",
        ["url"] = Status == "open" ? Url : null,
    };
}
