using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Lifecycle;

internal static class Coupons
{
    public static PromotionCode? FindCode(StripeState state, string text, string? customerId) =>
        state.PromotionCodes.All.FirstOrDefault(code =>
            string.Equals(code.Code, text.Trim(), StringComparison.OrdinalIgnoreCase) && code.IsValidAt(state.Now, customerId));

    /// <summary>What the discounts take off, one after the other.</summary>
    public static IReadOnlyList<(Discount Discount, long Amount)> Apply(IEnumerable<Discount> discounts, long amount, long now)
    {
        var applied = new List<(Discount, long)>();
        foreach (var discount in discounts.Where(discount => !(discount.End <= now)))
        {
            if (discount.Coupon.Off(amount) is var off and > 0)
                applied.Add((discount, off));
            amount -= discount.Coupon.Off(amount);
        }

        return applied;
    }

    public static void Give(StripeState state, Subscription subscription, IEnumerable<Reduction> reductions)
    {
        var now = state.NowOn(subscription.TestClockId);
        foreach (var (coupon, code) in reductions)
        {
            Redeem(coupon, code);
            var discount = state.Discounts.Add(new Discount
            {
                Id = state.Ids.Next("di"),
                Created = now,
                Coupon = coupon,
                PromotionCodeId = code?.Id,
                CustomerId = subscription.CustomerId,
                SubscriptionId = subscription.Id,
                End = coupon.DurationInMonths is { } months
                    ? DateTimeOffset.FromUnixTimeSeconds(now).AddMonths(months).ToUnixTimeSeconds()
                    : null,
            });
            subscription.Discounts.Add(discount);
            state.Events.Emit(discount, "created");
        }
    }

    public static void Replace(StripeState state, Subscription subscription, IEnumerable<Reduction> reductions)
    {
        foreach (var old in subscription.Discounts)
            state.Events.Emit(old, "deleted");
        subscription.Discounts.Clear();
        Give(state, subscription, reductions);
    }

    public static void Redeem(Coupon coupon, PromotionCode? code)
    {
        coupon.TimesRedeemed++;
        if (code is not null)
            code.TimesRedeemed++;
    }

    /// <summary>A coupon for one invoice, or one whose months are over, is taken off the subscription.</summary>
    public static void Use(StripeState state, Subscription subscription, Invoice invoice)
    {
        foreach (var discount in subscription.Discounts.ToList())
        {
            var isUsed = discount.Coupon.Duration == "once" && invoice.Discounts.Any(used => used.Discount == discount);
            if (!isUsed && !(discount.End <= invoice.Created))
                continue;
            subscription.Discounts.Remove(discount);
            state.Events.Emit(discount, "deleted");
        }
    }
}
