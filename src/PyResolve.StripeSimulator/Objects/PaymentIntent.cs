using System.Text.Json.Nodes;

namespace PyResolve.StripeSimulator.Objects;

/// <summary>One payment: of an invoice, of a checkout page, or made by the API.</summary>
internal sealed class PaymentIntent : StripeObject
{
    public override string Kind => "payment_intent";

    public required long Amount { get; set; }

    public required string Currency { get; init; }

    public string? CustomerId { get; init; }

    public string? InvoiceId { get; init; } // Not shown: since 2025-03-31 the invoice's payment names both.

    public string? TestClockId { get; init; }

    public string? Description { get; set; }

    public string? ReceiptEmail { get; set; }

    public Dictionary<string, string> Metadata { get; set; } = [];

    /// <summary>
    /// <c>requires_payment_method</c>, <c>requires_confirmation</c>, <c>processing</c>, <c>succeeded</c> or <c>canceled</c>.
    /// </summary>
    public string Status { get; set; } = "requires_payment_method";

    public string? PaymentMethodId { get; set; }

    public string? FutureUsage { get; init; } // off_session or on_session: the customer keeps the method.

    public string? LatestChargeId { get; set; }

    public bool HasFailed { get; set; }

    public long? CanceledAt { get; set; }

    public string? CancellationReason { get; set; }

    /// <summary>When a bank debit that is on its way succeeds or fails.</summary>
    public long? SettlesAt { get; set; }

    public bool WillBounce { get; set; }

    public override JsonObject Render() => new()
    {
        ["id"] = Id,
        ["object"] = Kind,
        ["amount"] = Amount,
        ["amount_capturable"] = 0,
        ["amount_received"] = Status == "succeeded" ? Amount : 0,
        ["canceled_at"] = CanceledAt,
        ["cancellation_reason"] = CancellationReason,
        ["capture_method"] = "automatic",
        ["client_secret"] = $"{Id}_secret_simulator",
        ["confirmation_method"] = "automatic",
        ["created"] = Created,
        ["currency"] = Currency,
        ["customer"] = CustomerId,
        ["description"] = Description,
        ["last_payment_error"] = HasFailed
            ? new JsonObject
            {
                ["code"] = "card_declined",
                ["decline_code"] = "generic_decline",
                ["message"] = "Your card was declined.",
                ["type"] = "card_error",
            }
            : null,
        ["latest_charge"] = LatestChargeId,
        ["livemode"] = false,
        ["metadata"] = Shapes.Map(Metadata),
        ["next_action"] = null,
        ["payment_method"] = PaymentMethodId,
        ["payment_method_types"] = Shapes.Array(["card"]),
        ["receipt_email"] = ReceiptEmail,
        ["setup_future_usage"] = FutureUsage,
        ["status"] = Status,
    };
}

/// <summary>One attempt to pay a <see cref="PaymentIntent"/>.</summary>
internal sealed class Charge : StripeObject
{
    public override string Kind => "charge";

    public required PaymentIntent Intent { get; init; }

    public required long Amount { get; init; }

    public string? PaymentMethodId { get; init; }

    public required string Status { get; set; } // succeeded, pending or failed

    public long AmountRefunded { get; set; }

    public bool IsDisputed { get; set; }

    public override JsonObject Render() => new()
    {
        ["id"] = Id,
        ["object"] = Kind,
        ["amount"] = Amount,
        ["amount_captured"] = Status == "succeeded" ? Amount : 0,
        ["amount_refunded"] = AmountRefunded,
        ["balance_transaction"] = null,
        ["captured"] = Status == "succeeded",
        ["created"] = Created,
        ["currency"] = Intent.Currency,
        ["customer"] = Intent.CustomerId,
        ["description"] = Intent.Description,
        ["disputed"] = IsDisputed,
        ["failure_code"] = Status == "failed" ? "card_declined" : null,
        ["failure_message"] = Status == "failed" ? "Your card was declined." : null,
        ["livemode"] = false,
        ["metadata"] = Shapes.Map(Intent.Metadata),
        ["paid"] = Status == "succeeded",
        ["payment_intent"] = Intent.Id,
        ["payment_method"] = PaymentMethodId,
        ["receipt_email"] = Intent.ReceiptEmail,
        ["refunded"] = AmountRefunded == Amount && Amount > 0,
        ["status"] = Status,
    };
}
