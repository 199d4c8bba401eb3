using System.Text.Json.Nodes;

namespace PyResolve.StripeSimulator.Objects;

/// <summary>Ties an invoice to the payment intent that pays it.</summary>
internal sealed class InvoicePayment : StripeObject
{
    public override string Kind => "invoice_payment";

    public required Invoice Invoice { get; init; }

    public required PaymentIntent Intent { get; init; }

    public string Status => Intent.Status switch { "succeeded" => "paid", "canceled" => "canceled", _ => "open" };

    public override JsonObject Render() => new()
    {
        ["id"] = Id,
        ["object"] = Kind,
        ["amount_paid"] = Status == "paid" ? Intent.Amount : null,
        ["amount_requested"] = Intent.Amount,
        ["created"] = Created,
        ["currency"] = Intent.Currency,
        ["invoice"] = Invoice.Id,
        ["is_default"] = true,
        ["livemode"] = false,
        ["payment"] = new JsonObject { ["payment_intent"] = Intent.Id, ["type"] = "payment_intent" },
        ["status"] = Status,
        ["status_transitions"] = new JsonObject
        {
            ["canceled_at"] = Intent.CanceledAt,
            ["paid_at"] = Status == "paid" ? Invoice.PaidAt : null,
        },
    };
}
