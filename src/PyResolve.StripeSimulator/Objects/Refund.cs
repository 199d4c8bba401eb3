using System.Text.Json.Nodes;

namespace PyResolve.StripeSimulator.Objects;

internal sealed class Refund : StripeObject
{
    public override string Kind => "refund";

    public required Charge Charge { get; init; }

    public required long Amount { get; init; }

    public string? Reason { get; init; }

    public Dictionary<string, string> Metadata { get; init; } = [];

    public override JsonObject Render() => new()
    {
        ["id"] = Id,
        ["object"] = Kind,
        ["amount"] = Amount,
        ["balance_transaction"] = null,
        ["charge"] = Charge.Id,
        ["created"] = Created,
        ["currency"] = Charge.Intent.Currency,
        ["metadata"] = Shapes.Map(Metadata),
        ["payment_intent"] = Charge.Intent.Id,
        ["reason"] = Reason,
        ["status"] = "succeeded",
    };
}

internal sealed class Dispute : StripeObject
{
    public override string Kind => "dispute";

    public override string EventPrefix => "charge.dispute";

    public required Charge Charge { get; init; }

    public required string Reason { get; init; }

    public string Status { get; set; } = "needs_response"; // needs_response, won or lost

    public override JsonObject Render() => new()
    {
        ["id"] = Id,
        ["object"] = Kind,
        ["amount"] = Charge.Amount,
        ["charge"] = Charge.Id,
        ["created"] = Created,
        ["currency"] = Charge.Intent.Currency,
        ["is_charge_refundable"] = false,
        ["livemode"] = false,
        ["metadata"] = new JsonObject(),
        ["payment_intent"] = Charge.Intent.Id,
        ["reason"] = Reason,
        ["status"] = Status,
    };
}
