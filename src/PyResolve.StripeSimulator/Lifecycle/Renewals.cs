using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Lifecycle;

/// <summary>What a subscription does as time passes, one step at a time.</summary>
internal static class Renewals
{
    private const long Day = 24 * 60 * 60;
    private const long IncompleteFor = 23 * 60 * 60;

    /// <summary>When the next step is due; null for a subscription that time does not move.</summary>
    public static long? NextDue(Subscription subscription)
    {
        if (subscription.IsEnded)
            return null;
        long? next = null;
        Consider(subscription.CancelAt);
        Consider(subscription.Pending?.ExpiresAt);
        Consider(subscription.Pause?.ResumesAt);
        switch (subscription.Status)
        {
            case "incomplete":
                Consider(subscription.IncompleteSince + IncompleteFor);
                break;
            case "trialing":
                Consider(subscription.TrialEndAnnounced ? null : AnnouncesTrialEndAt(subscription));
                Consider(subscription.TrialEnd);
                break;
            case "active" or "past_due" or "unpaid":
                Consider(subscription.PeriodEnd);
                foreach (var invoice in subscription.OpenInvoices)
                    Consider(invoice.NextPaymentAttempt);
                break;
        }

        return next;

        void Consider(long? moment)
        {
            if (moment is not null && (next is null || moment < next))
                next = moment;
        }
    }

    public static void Act(World world, Subscription subscription)
    {
        var now = world.NowOn(subscription.TestClockId);
        if (subscription.CancelAt <= now)
            Cancelling.Now(world, subscription, Cancelling.Requested);
        else if (subscription.Pending?.ExpiresAt <= now)
            SubscriptionChanges.ExpirePending(world, subscription);
        else if (subscription.Pause?.ResumesAt <= now)
            world.Events.Change(subscription, () => subscription.Pause = null);
        else if (subscription.Status == "incomplete")
            Cancelling.ExpireIncomplete(world, subscription);
        else if (subscription.Status == "trialing" && subscription.TrialEnd > now)
            AnnounceTrialEnd(world, subscription);
        else if (subscription.Status == "trialing")
            EndTrial(world, subscription);
        else if (subscription.OpenInvoices.FirstOrDefault(invoice => invoice.NextPaymentAttempt <= now) is { } owed)
            RetryPayment(world, subscription, owed);
        else
            Renew(world, subscription);
    }

    /// <summary>The trial is over: the first real period begins, if it can be paid.</summary>
    public static void EndTrial(World world, Subscription subscription)
    {
        var now = world.NowOn(subscription.TestClockId);
        var customer = world.Customers.Get(subscription.CustomerId);
        if (customer.Card is null && subscription.MissingPaymentMethod == "cancel")
        {
            Cancelling.Now(world, subscription, Cancelling.Requested);
            return;
        }

        if (customer.Card is null && subscription.MissingPaymentMethod == "pause")
        {
            world.Events.Change(subscription, () => End("paused"), "paused");
            return;
        }

        world.Events.Change(subscription, () => End("active"));
        Charge(world, subscription, "subscription_cycle");

        void End(string status)
        {
            subscription.Status = status;
            subscription.TrialEnd = now;
            subscription.BillingCycleAnchor = now;
            Advance(subscription, now);
        }
    }

    /// <summary>A payment came after all.</summary>
    public static void Recover(World world, Subscription subscription)
    {
        if (subscription.Status is "past_due" or "unpaid" or "incomplete")
            world.Events.Change(subscription, () => subscription.Status = "active");
    }

    /// <summary>Bills a period; a payment that fails leaves the subscription past due.</summary>
    public static void Charge(World world, Subscription subscription, string reason)
    {
        var total = Starting.Amount(subscription) + subscription.PendingProration;
        subscription.PendingProration = 0;
        var invoice = Payments.Open(world, subscription, total, reason);
        var isPaid = false;
        if (subscription.Pause is { } pause)
            Suspend(world, invoice, pause);
        else
            isPaid = subscription.Status != "unpaid" && Payments.Try(world, invoice, isRenewal: true);
        world.Events.Change(subscription, () =>
        {
            subscription.LatestInvoiceId = invoice.Id;
            if (!isPaid && subscription.Status == "active" && subscription.Pause is null)
                subscription.Status = "past_due";
            else if (isPaid && subscription.Status == "past_due" && !subscription.OpenInvoices.Any())
                subscription.Status = "active";
        });
    }

    private static void Suspend(World world, Invoice invoice, PauseCollection pause)
    {
        switch (pause.Behavior)
        {
            case "void":
                Payments.Void(world, invoice);
                break;
            case "mark_uncollectible":
                invoice.Status = "uncollectible";
                world.Events.Emit(invoice, "marked_uncollectible");
                break;
            default:
                invoice.Status = "draft";
                break;
        }
    }

    private static void Renew(World world, Subscription subscription)
    {
        world.Events.Change(subscription, () => Advance(subscription, world.NowOn(subscription.TestClockId)));
        Charge(world, subscription, "subscription_cycle");
    }

    private static void RetryPayment(World world, Subscription subscription, Invoice invoice)
    {
        if (Payments.Try(world, invoice, isRenewal: true))
        {
            if (!subscription.OpenInvoices.Any())
                Recover(world, subscription);
            return;
        }

        if (invoice.NextPaymentAttempt is not null || subscription.Status != "past_due")
            return;
        switch (world.Options.AfterFailedRetries)
        {
            case AfterFailedRetries.Cancel:
                Cancelling.Now(world, subscription, "payment_failed");
                break;
            case AfterFailedRetries.MarkUnpaid:
                world.Events.Change(subscription, () => subscription.Status = "unpaid");
                break;
            case AfterFailedRetries.LeavePastDue:
                break;
        }
    }

    /// <summary>Every item whose period is over gets its next one.</summary>
    private static void Advance(Subscription subscription, long now)
    {
        foreach (var item in subscription.Items)
        {
            if (item.PeriodEnd > now)
                continue;
            item.PeriodStart = item.PeriodEnd;
            item.PeriodEnd = item.Price.Recurring!.After(item.PeriodStart);
        }
    }

    private static long AnnouncesTrialEndAt(Subscription subscription) => Math.Max(subscription.TrialEnd!.Value - (3 * Day), subscription.Created);

    private static void AnnounceTrialEnd(World world, Subscription subscription)
    {
        subscription.TrialEndAnnounced = true;
        world.Events.Emit(subscription, "trial_will_end");
    }
}
