using System.Globalization;
using System.Text.Json.Nodes;

namespace PyResolve.StripeSimulator.Objects;

internal sealed record InvoiceLine(string Id, string Description, long Amount)
{
    public long Quantity { get; init; } = 1;

    public Price? Price { get; init; }

    public string? SubscriptionId { get; init; }

    public string? SubscriptionItemId { get; init; }

    public string? InvoiceItemId { get; init; }

    public bool IsProration { get; init; }

    public long PeriodStart { get; init; }

    public long PeriodEnd { get; init; }

    public static JsonObject? PricingOf(Price? price) => price is null
        ? null
        : new JsonObject
        {
            ["price_details"] = new JsonObject { ["price"] = price.Id, ["product"] = price.ProductId },
            ["type"] = "price_details",
            ["unit_amount_decimal"] = price.UnitAmount.ToString(CultureInfo.InvariantCulture),
        };

    public JsonObject Render(string invoiceId, string currency) => new()
    {
        ["id"] = Id,
        ["object"] = "line_item",
        ["amount"] = Amount,
        ["currency"] = currency,
        ["description"] = Description,
        ["discount_amounts"] = new JsonArray(),
        ["discountable"] = true,
        ["discounts"] = new JsonArray(),
        ["invoice"] = invoiceId,
        ["livemode"] = false,
        ["metadata"] = new JsonObject(),
        ["parent"] = Parent(),
        ["period"] = new JsonObject { ["end"] = PeriodEnd, ["start"] = PeriodStart },
        ["pricing"] = PricingOf(Price),
        ["quantity"] = Quantity,
        ["taxes"] = new JsonArray(),
    };

    private JsonObject Parent() => InvoiceItemId is not null
        ? new JsonObject
        {
            ["invoice_item_details"] = new JsonObject
            {
                ["invoice_item"] = InvoiceItemId, ["proration"] = IsProration, ["subscription"] = SubscriptionId,
            },
            ["subscription_item_details"] = null,
            ["type"] = "invoice_item_details",
        }
        : new JsonObject
        {
            ["invoice_item_details"] = null,
            ["subscription_item_details"] = new JsonObject
            {
                ["invoice_item"] = null,
                ["proration"] = IsProration,
                ["subscription"] = SubscriptionId,
                ["subscription_item"] = SubscriptionItemId,
            },
            ["type"] = "subscription_item_details",
        };
}
