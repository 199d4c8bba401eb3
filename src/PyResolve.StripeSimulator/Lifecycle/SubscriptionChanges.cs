using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Lifecycle;

/// <summary>How a change of items is paid for, in Stripe's words.</summary>
/// <param name="Proration"><c>create_prorations</c>, <c>always_invoice</c> or <c>none</c>.</param>
/// <param name="PaymentBehavior"><c>allow_incomplete</c>, <c>default_incomplete</c>, <c>error_if_incomplete</c> or <c>pending_if_incomplete</c>.</param>
internal sealed record ChangeTerms(string Proration, string PaymentBehavior);

/// <summary>Changes what a subscription is for.</summary>
internal static class SubscriptionChanges
{
    private const long PendingFor = 23 * 60 * 60;

    /// <summary>The items as they are, but for the first one's price.</summary>
    public static IReadOnlyList<SubscriptionItem> WithPrice(Subscription subscription, Price price)
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
                Quantity = first.Quantity,
                Metadata = first.Metadata,
            },
            .. subscription.Items.Skip(1),
        ];
    }

    /// <summary>Puts other items in place, and bills the difference as the terms say.</summary>
    /// <returns>False where <c>error_if_incomplete</c> forbids the change because it could not be paid.</returns>
    public static bool ReplaceItems(World world, Subscription subscription, IReadOnlyList<SubscriptionItem> items, ChangeTerms terms)
    {
        var now = world.NowOn(subscription.TestClockId);
        var restarts = Interval(items) != Interval(subscription.Items);
        var due = subscription.Status == "trialing" ? 0 : Due(subscription, items, now, restarts, terms.Proration);
        var bills = due > 0 && (terms.Proration == "always_invoice" || restarts);
        if (!bills)
        {
            subscription.PendingProration += due;
            Apply(subscription, items, now, restarts);
            return true;
        }

        var canPay = Payments.CanPay(world.Customers.Get(subscription.CustomerId), isRenewal: false);
        if (!canPay && terms.PaymentBehavior == "error_if_incomplete")
            return false;
        var invoice = Payments.Open(world, subscription, due, "subscription_update");
        subscription.LatestInvoiceId = invoice.Id;
        Payments.Try(world, invoice, isRenewal: false);
        if (!canPay && terms.PaymentBehavior == "pending_if_incomplete")
        {
            subscription.Pending = new PendingUpdate(now + PendingFor, items, invoice.Id);
            return true;
        }

        Apply(subscription, items, now, restarts);
        if (!canPay && subscription.Status == "active")
            subscription.Status = "past_due";
        return true;
    }

    /// <summary>An invoice has been paid: a change that waited for it comes about.</summary>
    public static void SettlePending(World world, Subscription subscription, Invoice paid)
    {
        if (subscription.Pending is not { } pending || pending.InvoiceId != paid.Id)
            return;
        var now = world.NowOn(subscription.TestClockId);
        world.Events.Change(
            subscription,
            () =>
            {
                subscription.Pending = null;
                Apply(subscription, pending.Items, now, Interval(pending.Items) != Interval(subscription.Items));
            },
            "pending_update_applied");
    }

    public static void ExpirePending(World world, Subscription subscription)
    {
        if (subscription.Pending is not { } pending)
            return;
        Payments.Void(world, world.Invoices.Get(pending.InvoiceId));
        world.Events.Change(subscription, () => subscription.Pending = null, "pending_update_expired");
    }

    private static (string?, int) Interval(IReadOnlyList<SubscriptionItem> items) =>
        items.Count == 0 ? (null, 0) : (items[0].Price.Recurring!.Interval, items[0].Price.Recurring!.IntervalCount);

    private static void Apply(Subscription subscription, IReadOnlyList<SubscriptionItem> items, long now, bool restarts)
    {
        var (start, end) = (subscription.PeriodStart, subscription.PeriodEnd);
        subscription.Items = [.. items];
        foreach (var item in subscription.Items)
        {
            item.PeriodStart = restarts ? now : start;
            item.PeriodEnd = restarts ? item.Price.Recurring!.After(now) : end;
        }

        if (restarts)
            subscription.BillingCycleAnchor = now;
    }

    /// <summary>The new items' price for the rest of the period, less what was paid for that rest.</summary>
    private static long Due(Subscription subscription, IReadOnlyList<SubscriptionItem> items, long now, bool restarts, string proration)
    {
        var price = items.Sum(static item => item.Amount);
        if (proration == "none")
            return restarts ? price : 0;
        var length = Math.Max(subscription.PeriodEnd - subscription.PeriodStart, 1);
        var left = Math.Clamp(subscription.PeriodEnd - now, 0, length);
        var unused = Share(Starting.Amount(subscription), left, length);
        return (restarts ? price : Share(price, left, length)) - unused;
    }

    private static long Share(long amount, long left, long length) => (long)Math.Round((decimal)amount * left / length);
}
