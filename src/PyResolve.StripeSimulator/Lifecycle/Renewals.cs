using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Lifecycle;

internal static class Renewals
{
    private const long Day = 24 * 60 * 60;
    private const long IncompleteFor = 23 * 60 * 60;

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
                Consider(subscription.TrialEndNoticeSent ? null : TrialEndNoticeAt(subscription));
                Consider(subscription.TrialEnd);
                break;
            case "active" or "past_due" or "unpaid":
                Consider(subscription.PeriodEnd);
                ConsiderRetries();
                break;
            case "paused":
                ConsiderRetries();
                break;
        }

        return next;

        void ConsiderRetries()
        {
            foreach (var invoice in subscription.OpenInvoices)
                Consider(invoice.NextPaymentAttempt);
        }

        void Consider(long? moment)
        {
            if (moment is not null && (next is null || moment < next))
                next = moment;
        }
    }

    public static void ApplyNext(StripeState state, Subscription subscription)
    {
        var now = state.NowOn(subscription.TestClockId);
        if (subscription.CancelAt <= now)
            Cancellation.CancelAtEnd(state, subscription);
        else if (subscription.Pending?.ExpiresAt <= now)
            SubscriptionChanges.ExpirePending(state, subscription);
        else if (subscription.Pause?.ResumesAt <= now)
            state.Events.Change(subscription, () => subscription.Pause = null);
        else if (subscription.Status == "incomplete")
            Cancellation.ExpireIncomplete(state, subscription);
        else if (subscription.Status == "trialing" && subscription.TrialEnd > now)
            SendTrialEndNotice(state, subscription);
        else if (subscription.Status == "trialing")
            EndTrial(state, subscription);
        else if (subscription.OpenInvoices.FirstOrDefault(invoice => invoice.NextPaymentAttempt <= now) is { } unpaid)
            RetryPayment(state, subscription, unpaid);
        else
            Renew(state, subscription);
    }

    /// <param name="state">Of the simulator.</param>
    /// <param name="subscription">In its trial.</param>
    /// <param name="items">What it has from now on, where a change ends the trial; null: what it has.</param>
    public static void EndTrial(StripeState state, Subscription subscription, IReadOnlyList<SubscriptionItem>? items = null)
    {
        var now = state.NowOn(subscription.TestClockId);
        var customer = state.Customers.Get(subscription.CustomerId);
        if (customer.Card is null && subscription.MissingPaymentMethod == "cancel")
        {
            Cancellation.CancelNow(state, subscription, Cancellation.Requested);
            return;
        }

        if (customer.Card is null && subscription.MissingPaymentMethod == "pause")
        {
            state.Events.Change(subscription, () => End("paused"), "paused");
            return;
        }

        state.Events.Change(subscription, () => End("active"));
        Charge(state, subscription, items is null ? "subscription_cycle" : "subscription_update");

        void End(string status)
        {
            subscription.Status = status;
            subscription.TrialEnd = now;
            if (items is null)
                Schedules.ApplyDue(state, subscription);
            else
                ReplaceItems(items);
            // What was used during the trial is free.
            Restart(state, subscription);
        }

        void ReplaceItems(IReadOnlyList<SubscriptionItem> replacement)
        {
            Schedules.Release(state, subscription);
            subscription.Items = [.. replacement];
        }
    }

    public static void Reactivate(StripeState state, Subscription subscription)
    {
        if (subscription.Status is "past_due" or "unpaid" or "incomplete")
            state.Events.Change(subscription, () => subscription.Status = "active");
        else if (subscription.Status == "paused")
            state.Events.Change(subscription, () => subscription.Status = "active", "resumed");
    }

    /// <summary>A new period begins, whether or not it is paid.</summary>
    public static void Resume(StripeState state, Subscription subscription)
    {
        state.Events.Change(
            subscription,
            () =>
            {
                Restart(state, subscription);
                subscription.Status = "active";
            },
            "resumed");
        Charge(state, subscription, "subscription_cycle");
    }

    /// <summary>Until the new period is paid, the subscription stays paused.</summary>
    public static void ResumeWhenPaid(StripeState state, Subscription subscription)
    {
        if (subscription.OpenInvoices.LastOrDefault() is not { } invoice)
        {
            state.Events.Change(subscription, () => Restart(state, subscription));
            invoice = Invoices.Create(state, subscription, InvoiceLines.ForPeriod(state, subscription), "subscription_cycle");
            subscription.LatestInvoiceId = invoice.Id;
        }

        if (Payments.TryPay(state, invoice, isRenewal: true) && !subscription.OpenInvoices.Any())
            Reactivate(state, subscription);
    }

    private static void Restart(StripeState state, Subscription subscription)
    {
        var now = state.NowOn(subscription.TestClockId);
        subscription.BillingCycleAnchor = now;
        foreach (var item in subscription.Items)
        {
            item.PeriodStart = item.UsageFrom = now;
            item.PeriodEnd = item.Price.Recurring!.After(now);
        }
    }

    /// <summary>Bills a period; a failed payment makes the subscription past due.</summary>
    public static void Charge(
        StripeState state, Subscription subscription, string reason, IReadOnlyList<InvoiceLine>? usage = null)
    {
        var invoice = Invoices.Create(
            state, subscription, [.. InvoiceLines.ForPeriod(state, subscription), .. usage ?? []], reason);
        var isPaid = false;
        if (subscription.Pause is { } pause)
            ApplyPause(state, invoice, pause);
        else
            isPaid = subscription.Status != "unpaid" && Payments.TryPay(state, invoice, isRenewal: true);
        state.Events.Change(subscription, () =>
        {
            subscription.LatestInvoiceId = invoice.Id;
            if (!isPaid && subscription.Status == "active" && subscription.Pause is null)
                subscription.Status = "past_due";
            else if (isPaid && subscription.Status == "past_due" && !subscription.OpenInvoices.Any())
                subscription.Status = "active";
        });
    }

    private static void ApplyPause(StripeState state, Invoice invoice, PauseCollection pause)
    {
        switch (pause.Behavior)
        {
            case "void":
                Payments.Void(state, invoice);
                break;
            case "mark_uncollectible":
                invoice.Status = "uncollectible";
                state.Events.Emit(invoice, "marked_uncollectible");
                break;
            default:
                invoice.Status = "draft";
                break;
        }
    }

    private static void Renew(StripeState state, Subscription subscription)
    {
        var usage = InvoiceLines.TakeUsage(state, subscription, state.NowOn(subscription.TestClockId));
        state.Events.Change(subscription, () =>
        {
            Schedules.ApplyDue(state, subscription);
            Advance(subscription, state.NowOn(subscription.TestClockId));
        });
        Charge(state, subscription, "subscription_cycle", usage);
    }

    private static void RetryPayment(StripeState state, Subscription subscription, Invoice invoice)
    {
        if (Payments.TryPay(state, invoice, isRenewal: true))
        {
            if (!subscription.OpenInvoices.Any())
                Reactivate(state, subscription);
            return;
        }

        FollowFailure(state, subscription, invoice);
    }

    /// <summary>What becomes of a subscription whose payment failed: while attempts are left, it is past due.</summary>
    public static void FollowFailure(StripeState state, Subscription subscription, Invoice invoice)
    {
        if (subscription.Status == "active")
            state.Events.Change(subscription, () => subscription.Status = "past_due");
        if (invoice.NextPaymentAttempt is not null || subscription.Status != "past_due")
            return;
        switch (state.Options.AfterFailedRetries)
        {
            case AfterFailedRetries.Cancel:
                Cancellation.CancelNow(state, subscription, "payment_failed");
                break;
            case AfterFailedRetries.MarkUnpaid:
                state.Events.Change(subscription, () => subscription.Status = "unpaid");
                break;
            case AfterFailedRetries.LeavePastDue:
                break;
        }
    }

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

    private static long TrialEndNoticeAt(Subscription subscription) =>
        Math.Max(subscription.TrialEnd!.Value - (3 * Day), subscription.Created);

    private static void SendTrialEndNotice(StripeState state, Subscription subscription)
    {
        subscription.TrialEndNoticeSent = true;
        state.Events.Emit(subscription, "trial_will_end");
    }
}
