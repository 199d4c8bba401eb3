using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Lifecycle;

internal static class Cancellation
{
    public const string Requested = "cancellation_requested";

    /// <summary>As the API and the Dashboard do it: both <c>cancel_at_period_end</c> and <c>cancel_at</c> are set.</summary>
    public static void Schedule(Subscription subscription, long now)
    {
        subscription.CancelAtPeriodEnd = true;
        subscription.CancelAt = subscription.PeriodEnd;
        subscription.CanceledAt = now;
        subscription.CancellationReason = Requested;
    }

    /// <summary>As the portal does it: under flexible billing only <c>cancel_at</c> is set.</summary>
    public static void ScheduleInPortal(Subscription subscription, long now)
    {
        Schedule(subscription, now);
        subscription.CancelAtPeriodEnd = subscription.BillingMode != "flexible";
    }

    public static void Undo(Subscription subscription)
    {
        subscription.CancelAtPeriodEnd = false;
        subscription.CancelAt = null;
        subscription.CanceledAt = null;
        subscription.CancellationReason = null;
        subscription.CancellationFeedback = null;
        subscription.CancellationComment = null;
    }

    /// <summary>At the end of the period; what was used and not billed yet is billed.</summary>
    public static void CancelAtEnd(StripeState state, Subscription subscription)
    {
        Metering.BillRest(state, subscription);
        CancelNow(state, subscription, Requested);
    }

    /// <summary>What was paid for the rest of the period becomes an invoice item; only an invoice gives it to the customer.</summary>
    public static void CreditRest(StripeState state, Subscription subscription)
    {
        var amount = SubscriptionChanges.UnusedAmount(subscription, state.NowOn(subscription.TestClockId));
        if (amount == 0)
            return;
        var item = state.InvoiceItems.Add(new InvoiceItem
        {
            Id = state.Ids.Next("ii"),
            Created = state.NowOn(subscription.TestClockId),
            CustomerId = subscription.CustomerId,
            SubscriptionId = subscription.Id,
            Currency = subscription.Currency,
            Amount = -amount,
            Description = "Unused time of the subscription",
        });
        state.Events.Emit(item, "created");
    }

    public static void CancelNow(StripeState state, Subscription subscription, string reason)
    {
        var now = state.NowOn(subscription.TestClockId);
        End(state, subscription, "canceled", now);
        subscription.CanceledAt ??= now;
        subscription.CancellationReason ??= reason;
        state.Events.Emit(subscription, "deleted");
    }

    /// <summary>For a subscription whose first payment was not made within a day.</summary>
    public static void ExpireIncomplete(StripeState state, Subscription subscription) =>
        state.Events.Change(subscription, () => End(state, subscription, "incomplete_expired", state.NowOn(subscription.TestClockId)));

    private static void End(StripeState state, Subscription subscription, string status, long now)
    {
        foreach (var invoice in subscription.OpenInvoices.ToList())
        {
            // Stripe leaves the invoice open, and stops retrying the payment.
            invoice.NextPaymentAttempt = null;
        }

        Schedules.Release(state, subscription);
        subscription.Status = status;
        subscription.EndedAt = now;
        subscription.Pending = null;
    }
}
