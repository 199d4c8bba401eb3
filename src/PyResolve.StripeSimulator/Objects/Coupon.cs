using System.Globalization;
using System.Text.Json.Nodes;

namespace PyResolve.StripeSimulator.Objects;

internal sealed class Coupon : StripeObject
{
    public override string Kind => "coupon";

    public string? Name { get; set; }

    public decimal? PercentOff { get; init; }

    public long? AmountOff { get; init; }

    public string? Currency { get; init; }

    public required string Duration { get; init; } // forever, once or repeating

    public int? DurationInMonths { get; init; }

    public long? MaxRedemptions { get; init; }

    public long? RedeemBy { get; init; }

    public long TimesRedeemed { get; set; }

    public Dictionary<string, string> Metadata { get; set; } = [];

    public bool IsValidAt(long now) =>
        !IsDeleted && !(RedeemBy <= now) && (MaxRedemptions is not { } most || TimesRedeemed < most);

    /// <summary>What it takes off an amount.</summary>
    public long Off(long amount) => amount <= 0
        ? 0
        : PercentOff is { } percent
            ? (long)Math.Round(amount * percent / 100, MidpointRounding.AwayFromZero)
            : Math.Min(AmountOff ?? 0, amount);

    public override JsonObject Render() => IsDeleted
        ? Shapes.Deleted(Id, Kind)
        : new JsonObject
        {
            ["id"] = Id,
            ["object"] = Kind,
            ["amount_off"] = AmountOff,
            ["created"] = Created,
            ["currency"] = Currency,
            ["duration"] = Duration,
            ["duration_in_months"] = DurationInMonths,
            ["livemode"] = false,
            ["max_redemptions"] = MaxRedemptions,
            ["metadata"] = Shapes.Map(Metadata),
            ["name"] = Name,
            ["percent_off"] = PercentOff,
            ["redeem_by"] = RedeemBy,
            ["times_redeemed"] = TimesRedeemed,
            ["valid"] = MaxRedemptions is not { } most || TimesRedeemed < most,
        };

    public string Describe(Func<long, string, string> money) => PercentOff is { } percent
        ? string.Create(CultureInfo.InvariantCulture, $"{percent:0.##}% off")
        : $"{money(AmountOff ?? 0, Currency ?? "usd")} off";
}

/// <summary>What a customer types to get a coupon.</summary>
internal sealed class PromotionCode : StripeObject
{
    public override string Kind => "promotion_code";

    public required string Code { get; init; }

    public required Coupon Coupon { get; init; }

    public string? CustomerId { get; init; }

    public long? ExpiresAt { get; init; }

    public long? MaxRedemptions { get; init; }

    public long TimesRedeemed { get; set; }

    public bool IsActive { get; set; } = true;

    public Dictionary<string, string> Metadata { get; set; } = [];

    public bool IsValidAt(long now, string? customer) => IsActive && Coupon.IsValidAt(now) && !(ExpiresAt <= now)
        && (MaxRedemptions is not { } most || TimesRedeemed < most) && (CustomerId is null || CustomerId == customer);

    public override JsonObject Render() => new()
    {
        ["id"] = Id,
        ["object"] = Kind,
        ["active"] = IsActive,
        ["code"] = Code,
        ["created"] = Created,
        ["customer"] = CustomerId,
        ["expires_at"] = ExpiresAt,
        ["livemode"] = false,
        ["max_redemptions"] = MaxRedemptions,
        ["metadata"] = Shapes.Map(Metadata),
        ["promotion"] = new JsonObject { ["coupon"] = Coupon.Id, ["type"] = "coupon" },
        ["restrictions"] = new JsonObject
        {
            ["first_time_transaction"] = false, ["minimum_amount"] = null, ["minimum_amount_currency"] = null,
        },
        ["times_redeemed"] = TimesRedeemed,
    };
}

/// <summary>A coupon on a subscription.</summary>
internal sealed class Discount : StripeObject
{
    public override string Kind => "discount";

    public override string EventPrefix => "customer.discount";

    public required Coupon Coupon { get; init; }

    public string? PromotionCodeId { get; init; }

    public required string CustomerId { get; init; }

    public string? SubscriptionId { get; init; }

    public long? End { get; init; }

    public override JsonObject Render() => new()
    {
        ["id"] = Id,
        ["object"] = Kind,
        ["checkout_session"] = null,
        ["customer"] = CustomerId,
        ["end"] = End,
        ["invoice"] = null,
        ["invoice_item"] = null,
        ["promotion_code"] = PromotionCodeId,
        ["source"] = new JsonObject { ["coupon"] = Coupon.Id, ["type"] = "coupon" },
        ["start"] = Created,
        ["subscription"] = SubscriptionId,
        ["subscription_item"] = null,
    };
}

/// <param name="Coupon">What it takes off.</param>
/// <param name="Code">By which it was got; null: by the coupon itself.</param>
internal sealed record Reduction(Coupon Coupon, PromotionCode? Code);
