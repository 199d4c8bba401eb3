using System.Text.Json.Nodes;

namespace PyResolve.StripeSimulator.Objects;

internal sealed class Customer : StripeObject
{
    public override string Kind => "customer";

    public string? Email { get; set; }

    public string? Name { get; set; }

    public string? Description { get; set; }

    public string? Phone { get; set; }

    public Dictionary<string, string> Metadata { get; set; } = [];

    public string? TestClockId { get; init; }

    public CardBehaviour? Card { get; set; }

    public string? PaymentMethodId { get; set; }

    public long Balance { get; set; } // A negative balance is a credit.

    public bool IsDelinquent { get; set; }

    public override JsonObject Render() => IsDeleted
        ? Shapes.Deleted(Id, Kind)
        : new JsonObject
        {
            ["id"] = Id,
            ["object"] = Kind,
            ["address"] = null,
            ["balance"] = Balance,
            ["created"] = Created,
            ["currency"] = null,
            ["default_source"] = null,
            ["delinquent"] = IsDelinquent,
            ["description"] = Description,
            ["email"] = Email,
            ["invoice_settings"] = new JsonObject { ["default_payment_method"] = PaymentMethodId },
            ["livemode"] = false,
            ["metadata"] = Shapes.Map(Metadata),
            ["name"] = Name,
            ["phone"] = Phone,
            ["preferred_locales"] = new JsonArray(),
            ["tax_exempt"] = "none",
            ["test_clock"] = TestClockId,
        };
}
