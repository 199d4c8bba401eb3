using System.Text.Json.Nodes;

namespace PyResolve.StripeSimulator.Objects;

internal sealed class Product : StripeObject
{
    public override string Kind => "product";

    public required string Name { get; set; }

    public string? Description { get; set; }

    public bool IsActive { get; set; } = true;

    public string? DefaultPriceId { get; set; }

    public string? UnitLabel { get; set; }

    public string? TaxCode { get; set; }

    public string? Url { get; set; }

    public Dictionary<string, string> Metadata { get; set; } = [];

    public long Updated { get; set; }

    public override JsonObject Render() => IsDeleted
        ? Shapes.Deleted(Id, Kind)
        : new JsonObject
        {
            ["id"] = Id,
            ["object"] = Kind,
            ["active"] = IsActive,
            ["created"] = Created,
            ["default_price"] = DefaultPriceId,
            ["description"] = Description,
            ["images"] = new JsonArray(),
            ["livemode"] = false,
            ["marketing_features"] = new JsonArray(),
            ["metadata"] = Shapes.Map(Metadata),
            ["name"] = Name,
            ["tax_code"] = TaxCode,
            ["type"] = "service",
            ["unit_label"] = UnitLabel,
            ["updated"] = Updated,
            ["url"] = Url,
        };
}

internal sealed record Recurrence(string Interval, int IntervalCount, string UsageType, string? Meter)
{
    public bool IsMetered => UsageType == "metered";

    /// <summary>The end of a period. A month after January 31 is the last day of February, like at Stripe.</summary>
    public long After(long instant)
    {
        var start = DateTimeOffset.FromUnixTimeSeconds(instant);
        var end = Interval switch
        {
            "day" => start.AddDays(IntervalCount),
            "week" => start.AddDays(7 * IntervalCount),
            "year" => start.AddYears(IntervalCount),
            _ => start.AddMonths(IntervalCount),
        };
        return end.ToUnixTimeSeconds();
    }
}

internal sealed class Price : StripeObject
{
    public override string Kind => "price";

    public required string ProductId { get; init; }

    public required string Currency { get; init; }

    public required long UnitAmount { get; init; }

    public Recurrence? Recurring { get; init; }

    public string? LookupKey { get; set; }

    public string? Nickname { get; set; }

    public bool IsActive { get; set; } = true;

    public Dictionary<string, string> Metadata { get; set; } = [];

    public override JsonObject Render() => new()
    {
        ["id"] = Id,
        ["object"] = Kind,
        ["active"] = IsActive,
        ["billing_scheme"] = "per_unit",
        ["created"] = Created,
        ["currency"] = Currency,
        ["livemode"] = false,
        ["lookup_key"] = LookupKey,
        ["metadata"] = Shapes.Map(Metadata),
        ["nickname"] = Nickname,
        ["product"] = ProductId,
        ["recurring"] = Recurring is not { } recurring
            ? null
            : new JsonObject
            {
                ["interval"] = recurring.Interval,
                ["interval_count"] = recurring.IntervalCount,
                ["meter"] = recurring.Meter,
                ["trial_period_days"] = null,
                ["usage_type"] = recurring.UsageType,
            },
        ["tax_behavior"] = "unspecified",
        ["tiers_mode"] = null,
        ["transform_quantity"] = null,
        ["type"] = Recurring is null ? "one_time" : "recurring",
        ["unit_amount"] = UnitAmount,
        ["unit_amount_decimal"] = $"{UnitAmount}",
    };
}
