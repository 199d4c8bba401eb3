using System.Text.Json.Nodes;

namespace PyResolve.StripeSimulator.Objects;

/// <summary>An amount that waits for the customer's next invoice.</summary>
internal sealed class InvoiceItem : StripeObject
{
    public override string Kind => "invoiceitem";

    public required string CustomerId { get; init; }

    public string? SubscriptionId { get; init; }

    public string? InvoiceId { get; set; }

    public required string Currency { get; init; }

    public required long Amount { get; set; }

    public long Quantity { get; init; } = 1;

    public string? Description { get; set; }

    public Price? Price { get; init; }

    public Dictionary<string, string> Metadata { get; set; } = [];

    public override JsonObject Render() => IsDeleted
        ? Shapes.Deleted(Id, Kind)
        : new JsonObject
        {
            ["id"] = Id,
            ["object"] = Kind,
            ["amount"] = Amount,
            ["currency"] = Currency,
            ["customer"] = CustomerId,
            ["date"] = Created,
            ["description"] = Description,
            ["discountable"] = true,
            ["discounts"] = new JsonArray(),
            ["invoice"] = InvoiceId,
            ["livemode"] = false,
            ["metadata"] = Shapes.Map(Metadata),
            ["parent"] = null,
            ["period"] = new JsonObject { ["end"] = Created, ["start"] = Created },
            ["pricing"] = InvoiceLine.PricingOf(Price),
            ["proration"] = false,
            ["quantity"] = Quantity,
            ["tax_rates"] = new JsonArray(),
            ["test_clock"] = null,
        };
}
