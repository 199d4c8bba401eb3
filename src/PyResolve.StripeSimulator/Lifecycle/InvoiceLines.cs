using System.Globalization;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Lifecycle;

internal static class InvoiceLines
{
    /// <summary>The period that begins; metered prices come at its end.</summary>
    public static IReadOnlyList<InvoiceLine> ForPeriod(StripeState state, Subscription subscription)
    {
        var lines = subscription.Items.Where(static item => item.Price.Recurring is not { IsMetered: true })
            .Select(item => Line(state, item, item.Amount, item.Quantity, item.PeriodStart, item.PeriodEnd))
            .ToList();
        return [.. lines, .. TakeProration(state, subscription)];
    }

    /// <summary>Changes that wait for the next invoice.</summary>
    public static IReadOnlyList<InvoiceLine> TakeProration(StripeState state, Subscription subscription)
    {
        var amount = subscription.PendingProration;
        subscription.PendingProration = 0;
        return amount == 0 ? [] : [Proration(state, subscription, amount)];
    }

    /// <summary>Whether invoice items of this subscription, and of no other, wait for its next invoice.</summary>
    public static bool HasPending(StripeState state, Subscription subscription) =>
        Pending(state, subscription.CustomerId, subscription.Id, subscription.Currency)
            .Any(item => item.SubscriptionId == subscription.Id);

    /// <summary>The next period, if nothing changes, or with other items.</summary>
    public static IEnumerable<InvoiceLine> PreviewPeriod(
        StripeState state, Subscription subscription, IReadOnlyList<SubscriptionItem>? items = null)
    {
        var start = subscription.PeriodEnd;
        var lines = (items ?? subscription.Items).Where(static item => item.Price.Recurring is not { IsMetered: true })
            .Select(item => Line(state, item, item.Amount, item.Quantity, start, item.Price.Recurring!.After(start)));
        return subscription.PendingProration == 0
            ? lines
            : lines.Append(Proration(state, subscription, subscription.PendingProration));
    }

    public static IReadOnlyList<InvoiceLine> ForTrial(StripeState state, Subscription subscription) =>
    [
        .. subscription.Items.Select(item =>
            Line(state, item, 0, item.Quantity, item.PeriodStart, item.PeriodEnd) with { Description = "Trial period" }),
    ];

    public static InvoiceLine Proration(StripeState state, Subscription subscription, long amount)
    {
        var now = state.NowOn(subscription.TestClockId);
        return new InvoiceLine(state.Ids.Next("il"), "Change of the subscription, for the rest of the period", amount)
        {
            SubscriptionId = subscription.Id,
            SubscriptionItemId = subscription.Items is [var first, ..] ? first.Id : null,
            IsProration = true,
            PeriodStart = now,
            PeriodEnd = Math.Max(subscription.PeriodEnd, now),
        };
    }

    /// <summary>What metered prices cost until an instant; from then on they count anew.</summary>
    public static IReadOnlyList<InvoiceLine> TakeUsage(StripeState state, Subscription subscription, long until)
    {
        var lines = new List<InvoiceLine>();
        foreach (var item in subscription.Items)
        {
            var end = Math.Min(until, item.PeriodEnd);
            if (item.Price.Recurring is not { IsMetered: true } || end <= item.UsageFrom)
                continue;
            if (Usage(state, subscription, item, end) is { } line)
                lines.Add(line);
            item.UsageFrom = end;
        }

        return lines;
    }

    /// <summary>The same, without counting anew.</summary>
    public static IEnumerable<InvoiceLine> PreviewUsage(StripeState state, Subscription subscription) => subscription.Items
        .Where(static item => item.Price.Recurring is { IsMetered: true })
        .Select(item => Usage(state, subscription, item, item.PeriodEnd))
        .OfType<InvoiceLine>();

    public static IEnumerable<InvoiceLine> PreviewPending(StripeState state, Customer customer, string? subscriptionId, string currency) =>
        Pending(state, customer.Id, subscriptionId, currency).Select(item => Line(state, item));

    /// <summary>What waits for the customer's next invoice.</summary>
    public static IReadOnlyList<InvoiceLine> TakePending(
        StripeState state, string customerId, string? subscriptionId, string currency, string invoiceId)
    {
        var lines = new List<InvoiceLine>();
        foreach (var item in Pending(state, customerId, subscriptionId, currency).ToList())
        {
            item.InvoiceId = invoiceId;
            lines.Add(Line(state, item));
        }

        return lines;
    }

    private static IEnumerable<InvoiceItem> Pending(StripeState state, string customerId, string? subscriptionId, string currency) =>
        state.InvoiceItems.All.Where(item => item is { IsDeleted: false, InvoiceId: null } && item.CustomerId == customerId
            && item.Currency == currency && (item.SubscriptionId is null || item.SubscriptionId == subscriptionId
                || (subscriptionId is null && state.Subscriptions.Get(item.SubscriptionId).IsEnded)));

    public static InvoiceLine Line(StripeState state, InvoiceItem item) =>
        new(state.Ids.Next("il"), item.Description ?? "Item", item.Amount)
        {
            Quantity = item.Quantity,
            Price = item.Price,
            InvoiceItemId = item.Id,
            SubscriptionId = item.SubscriptionId,
            PeriodStart = item.Created,
            PeriodEnd = item.Created,
        };

    private static InvoiceLine? Usage(StripeState state, Subscription subscription, SubscriptionItem item, long end) =>
        Metering.Total(state, item.Price, subscription.CustomerId, item.UsageFrom, end) is var units and > 0
            ? Line(state, item, Cost(units, item.Price), (long)units, item.UsageFrom, end)
            : null;

    private static long Cost(decimal units, Price price) => (long)Math.Round(units * price.UnitAmount, MidpointRounding.AwayFromZero);

    private static InvoiceLine Line(StripeState state, SubscriptionItem item, long amount, long quantity, long start, long end)
    {
        var product = state.Products.TryGet(item.Price.ProductId, out var found) ? found.Name : item.Price.ProductId;
        return new InvoiceLine(state.Ids.Next("il"), string.Create(CultureInfo.InvariantCulture, $"{quantity} × {product}"), amount)
        {
            Quantity = quantity,
            Price = item.Price,
            SubscriptionId = item.SubscriptionId,
            SubscriptionItemId = item.Id,
            PeriodStart = start,
            PeriodEnd = end,
        };
    }
}
