using System.Globalization;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Pages;

internal static class DisplayText
{
    private static readonly string[] WithoutMinorUnit = ["jpy", "krw", "vnd", "clp", "isk"];

    public static string Money(long amount, string currency)
    {
        var sign = amount < 0 ? "−" : "";
        var value = WithoutMinorUnit.Contains(currency, StringComparer.Ordinal)
            ? Math.Abs(amount).ToString("N0", CultureInfo.InvariantCulture)
            : (Math.Abs(amount) / 100m).ToString("N2", CultureInfo.InvariantCulture);
        return currency switch
        {
            "usd" => $"{sign}${value}",
            "eur" => $"{sign}€{value}",
            "gbp" => $"{sign}£{value}",
            _ => $"{sign}{value} {currency.ToUpperInvariant()}",
        };
    }

    public static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    public static string Period(Price price) => price.Recurring switch
    {
        null => "",
        { IntervalCount: 1 } recurring => $"per {recurring.Interval}",
        { } recurring => $"every {recurring.IntervalCount} {recurring.Interval}s",
    };

    public static string Day(long instant) =>
        DateTimeOffset.FromUnixTimeSeconds(instant).ToString("MMMM d, yyyy", CultureInfo.InvariantCulture);

    public static string PriceOf(Price price) => $"{Money(price.UnitAmount, price.Currency)} {Period(price)}";

    public static string Status(Subscription subscription) => subscription.Status.Replace('_', ' ');

    public static string Future(Subscription subscription) => subscription switch
    {
        { EndedAt: { } ended } => $"Ended on {Day(ended)}.",
        { CancelAt: { } end } => $"Ends on {Day(end)}.",
        { Status: "trialing" } => $"The trial ends on {Day(subscription.TrialEnd ?? subscription.PeriodEnd)}.",
        { Status: "past_due" or "unpaid" or "incomplete" } => "The last payment failed. Update the payment method to keep the plan.",
        { Status: "paused" } => "It is paused.",
        _ => $"Renews on {Day(subscription.PeriodEnd)}.",
    };

    public static string ProductOf(StripeState state, Price price) =>
        state.Products.TryGet(price.ProductId, out var product) ? product.Name : price.ProductId;
}
