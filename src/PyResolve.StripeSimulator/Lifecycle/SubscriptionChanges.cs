using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Lifecycle;

/// <param name="Proration"><c>create_prorations</c>, <c>always_invoice</c> or <c>none</c>.</param>
/// <param name="PaymentBehavior">Such as <c>error_if_incomplete</c> or <c>pending_if_incomplete</c>.</param>
internal sealed record ChangeTerms(string Proration, string PaymentBehavior);

internal static class SubscriptionChanges
{
    private const long PendingFor = 23 * 60 * 60;

    /// <param name="subscription">Whose first item is changed.</param>
    /// <param name="price">Its new price.</param>
    /// <param name="quantity">null: as it is.</param>
    public static IReadOnlyList<SubscriptionItem> WithPrice(Subscription subscription, Price price, long? quantity = null)
    {
        var first = subscription.Items[0];
        return
        [
            new SubscriptionItem
            {
                Id = first.Id,
                Created = first.Created,
                SubscriptionId = first.SubscriptionId,
                Price = price,
                Quantity = quantity ?? first.Quantity,
                UsageFrom = first.UsageFrom,
                Metadata = first.Metadata,
            },
            .. subscription.Items.Skip(1),
        ];
    }

    public static bool HaveOneInterval(IEnumerable<Price> prices) =>
        prices.Select(static price => (price.Recurring!.Interval, price.Recurring.IntervalCount)).Distinct().Count() <= 1;

    /// <returns>False if the change could not be paid and <c>error_if_incomplete</c> forbids it.</returns>
    public static bool ReplaceItems(StripeState state, Subscription subscription, IReadOnlyList<SubscriptionItem> items, ChangeTerms terms)
    {
        var now = state.NowOn(subscription.TestClockId);
        var restartsPeriod = RestartsPeriod(subscription, items);
        var due = AmountDue(subscription, items, now, terms.Proration);
        var billsNow = due > 0 && (terms.Proration == "always_invoice" || restartsPeriod);
        if (!billsNow)
        {
            subscription.PendingProration += due;
            Apply(subscription, items, now, restartsPeriod);
            return true;
        }

        var customer = state.Customers.Get(subscription.CustomerId);
        var waits = terms.PaymentBehavior == "default_incomplete";
        var canPay = !waits && Payments.CanPay(customer, isRenewal: false);
        if (!canPay && terms.PaymentBehavior == "error_if_incomplete")
            return false;
        var invoice = Invoices.Create(state, subscription, [InvoiceLines.Proration(state, subscription, due)], "subscription_update");
        subscription.LatestInvoiceId = invoice.Id;
        if (waits && invoice.Intent is { } intent)
            PaymentIntents.Offer(intent, customer.PaymentMethodId);
        else
            canPay = Payments.TryPay(state, invoice, isRenewal: false);
        if (!canPay && terms.PaymentBehavior == "pending_if_incomplete")
        {
            subscription.Pending = new PendingUpdate(now + PendingFor, items, invoice.Id);
            return true;
        }

        Apply(subscription, items, now, restartsPeriod);
        if (!canPay && subscription.Status == "active")
            subscription.Status = "past_due";
        return true;
    }

    /// <summary>What a change would cost for the rest of the period.</summary>
    public static long AmountOf(StripeState state, Subscription subscription, IReadOnlyList<SubscriptionItem> items, string proration) =>
        AmountDue(subscription, items, state.NowOn(subscription.TestClockId), proration);

    /// <summary>The part of the amount that is for the rest of the period.</summary>
    public static long UnusedAmount(Subscription subscription, long now) => subscription.Status is "active" or "past_due"
        ? Share(subscription.Amount, Left(subscription, now), Length(subscription))
        : 0;

    public static void ApplyPending(StripeState state, Subscription subscription, Invoice paid)
    {
        if (subscription.Pending is not { } pending || pending.InvoiceId != paid.Id)
            return;
        var now = state.NowOn(subscription.TestClockId);
        state.Events.Change(
            subscription,
            () =>
            {
                subscription.Pending = null;
                Apply(subscription, pending.Items, now, RestartsPeriod(subscription, pending.Items));
            },
            "pending_update_applied");
    }

    public static void ExpirePending(StripeState state, Subscription subscription)
    {
        if (subscription.Pending is not { } pending)
            return;
        Payments.Void(state, state.Invoices.Get(pending.InvoiceId));
        state.Events.Change(subscription, () => subscription.Pending = null, "pending_update_expired");
    }

    private static (string?, int) Interval(IReadOnlyList<SubscriptionItem> items) =>
        items.Count == 0 ? (null, 0) : (items[0].Price.Recurring!.Interval, items[0].Price.Recurring!.IntervalCount);

    /// <summary>A trial ends when it ends, whatever the interval after it.</summary>
    private static bool RestartsPeriod(Subscription subscription, IReadOnlyList<SubscriptionItem> items) =>
        subscription.Status != "trialing" && Interval(items) != Interval(subscription.Items);

    private static void Apply(Subscription subscription, IReadOnlyList<SubscriptionItem> items, long now, bool restartsPeriod)
    {
        var (start, end) = (subscription.PeriodStart, subscription.PeriodEnd);
        subscription.Items = [.. items];
        foreach (var item in subscription.Items)
        {
            item.PeriodStart = restartsPeriod ? now : start;
            item.PeriodEnd = restartsPeriod ? item.Price.Recurring!.After(now) : end;
        }

        if (restartsPeriod)
            subscription.BillingCycleAnchor = now;
    }

    /// <summary>The price of the new items for the rest of the period, minus what was paid for it; nothing during a trial.</summary>
    private static long AmountDue(Subscription subscription, IReadOnlyList<SubscriptionItem> items, long now, string proration)
    {
        if (subscription.Status == "trialing")
            return 0;
        var restartsPeriod = RestartsPeriod(subscription, items);
        var price = items.Sum(static item => item.Amount);
        if (proration == "none")
            return restartsPeriod ? price : 0;
        var (left, length) = (Left(subscription, now), Length(subscription));
        var unused = Share(subscription.Amount, left, length);
        return (restartsPeriod ? price : Share(price, left, length)) - unused;
    }

    private static long Length(Subscription subscription) => Math.Max(subscription.PeriodEnd - subscription.PeriodStart, 1);

    private static long Left(Subscription subscription, long now) => Math.Clamp(subscription.PeriodEnd - now, 0, Length(subscription));

    private static long Share(long amount, long left, long length) => (long)Math.Round((decimal)amount * left / length);
}
