using System.Globalization;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Lifecycle;

/// <summary>Usage that is reported to meters, and billed by metered prices.</summary>
internal static class Metering
{
    private const long IdentifierTime = 24 * 60 * 60;

    /// <summary>An identifier is refused again for a day.</summary>
    public static bool IsKnown(StripeState state, string identifier) =>
        state.MeterEvents.Exists(known => known.Identifier == identifier && known.Created > state.Now - IdentifierTime);

    /// <param name="state">The simulator's.</param>
    /// <param name="from">Counts.</param>
    /// <param name="meter">Of the events.</param>
    /// <param name="customerId">Whose usage it is.</param>
    /// <param name="until">Does not count.</param>
    public static decimal Total(StripeState state, Meter meter, string customerId, long from, long until)
    {
        var events = state.MeterEvents.Where(usage =>
            usage.Meter == meter && usage.CustomerId == customerId && usage.Timestamp >= from && usage.Timestamp < until);
        return meter.Formula switch
        {
            "count" => events.Count(),
            "last" => events.OrderBy(static usage => usage.Timestamp).LastOrDefault()?.Value ?? 0,
            _ => events.Sum(static usage => usage.Value),
        };
    }

    public static decimal Total(StripeState state, Price price, string customerId, long from, long until) =>
        price.Recurring?.Meter is { } id && state.Meters.TryGet(id, out var meter) ? Total(state, meter, customerId, from, until) : 0;

    public static decimal? ReadValue(string? text) =>
        decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value) ? value : null;

    /// <summary>The last invoice of a subscription that ends: what was used or changed, and not billed.</summary>
    public static void BillRest(StripeState state, Subscription subscription)
    {
        IReadOnlyList<InvoiceLine> lines =
        [
            .. InvoiceLines.TakeProration(state, subscription),
            .. InvoiceLines.TakeUsage(state, subscription, state.NowOn(subscription.TestClockId)),
        ];
        if (lines.Count == 0 && !InvoiceLines.HasPending(state, subscription))
            return;
        var invoice = Invoices.Create(state, subscription, lines, "subscription_cycle");
        Payments.TryPay(state, invoice, isRenewal: true);
        state.Events.Change(subscription, () => subscription.LatestInvoiceId = invoice.Id);
    }
}
