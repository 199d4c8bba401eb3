using PyResolve.Server.Billing.Gateway;

namespace PyResolve.Server.Tests.Billing;

/// <summary>Subscriptions as Stripe would show them, paid until an hour after the tests' clock begins.</summary>
internal static class Subscriptions
{
    public static readonly DateTimeOffset PeriodEnd = new(2026, 11, 15, 13, 0, 0, TimeSpan.Zero);

    public static StripePrice ProPrice { get; } = new("price_pro") { Recurring = new("month", "licensed") };

    /// <summary>Of overage, by the meter of the double.</summary>
    public static StripePrice OveragePrice { get; } = new("price_overage")
    {
        Recurring = new("month", "metered") { Meter = "mtr_overage" },
    };

    public static StripePrice UnlimitedPrice { get; } = new("price_unlimited") { Recurring = new("month", "licensed") };

    public static StripeSubscription Pro(string status = "active", string id = "sub_1") => Of(id, status, ProPrice);

    public static StripeSubscription Unlimited(string status = "active", string id = "sub_1") => Of(id, status, UnlimitedPrice);

    public static StripeSubscription Of(string id, string status, params StripePrice[] prices) => new(id)
    {
        Status = status,
        Created = new DateTimeOffset(2026, 11, 15, 12, 0, 0, TimeSpan.Zero),
        Items = new(
            [.. prices.Select(
                (price, i) => new StripeSubscriptionItem($"si_{i}") { Price = price, Quantity = 1, CurrentPeriodEnd = PeriodEnd })]),
    };

    public static StripeSubscription Seats(this StripeSubscription subscription, int seats) => subscription with
    {
        Items = new([.. subscription.Items!.Data.Select(item => item with { Quantity = seats })]),
    };

    /// <summary>Reads a subscription from JSON as Stripe writes it, with members that the server ignores.</summary>
    public static StripeSubscription FromJson(string json) => StripeReading.Subscription(Stripe.Subscription.FromJson(json));

    /// <summary>Its latest invoice is open.</summary>
    public static StripeSubscription Unpaid(this StripeSubscription subscription, string billingReason) =>
        subscription with { LatestInvoice = new StripeInvoice("in_1") { Status = "open", BillingReason = billingReason } };

    public static StripeSubscription From(this StripeSubscription subscription, DateTimeOffset periodStart) => subscription with
    {
        Items = new([.. subscription.Items!.Data.Select(item => item with { CurrentPeriodStart = periodStart })]),
    };

    public static StripeSubscription Cancelled(this StripeSubscription subscription) => subscription with { Status = "canceled" };

    public static StripeSubscription Until(this StripeSubscription subscription, DateTimeOffset periodEnd) => subscription with
    {
        Items = new([.. subscription.Items!.Data.Select(item => item with { CurrentPeriodEnd = periodEnd })]),
    };
}
