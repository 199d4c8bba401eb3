using System.Text.Json.Nodes;

namespace PyResolve.StripeSimulator.Objects;

/// <summary>A way to pay that a checkout asks for, without a payment.</summary>
internal sealed class SetupIntent : StripeObject
{
    public override string Kind => "setup_intent";

    public string? CustomerId { get; set; }

    /// <summary>null until the customer has given one.</summary>
    public string? PaymentMethodId { get; set; }

    public override JsonObject Render() => new()
    {
        ["id"] = Id,
        ["object"] = Kind,
        ["cancellation_reason"] = null,
        ["client_secret"] = $"{Id}_secret_simulator",
        ["created"] = Created,
        ["customer"] = CustomerId,
        ["description"] = null,
        ["livemode"] = false,
        ["metadata"] = new JsonObject(),
        ["next_action"] = null,
        ["payment_method"] = PaymentMethodId,
        ["payment_method_types"] = Shapes.Array(["card"]),
        ["status"] = PaymentMethodId is null ? "requires_payment_method" : "succeeded",
        ["usage"] = "off_session",
    };
}
