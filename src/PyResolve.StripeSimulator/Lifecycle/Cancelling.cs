using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Lifecycle;

/// <summary>Ends subscriptions, now or later.</summary>
internal static class Cancelling
{
    public const string Requested = "cancellation_requested";

    /// <summary>As the API and the Dashboard do it.</summary>
    public static void AtPeriodEnd(Subscription subscription, long now)
    {
        subscription.CancelAtPeriodEnd = true;
        subscription.CancelAt = subscription.PeriodEnd;
        subscription.CanceledAt = now;
        subscription.CancellationReason = Requested;
    }

    /// <summary>As the portal does it: under flexible billing only the moment is set, and the boolean stays false.</summary>
    public static void AtPeriodEndInPortal(Subscription subscription, long now)
    {
        AtPeriodEnd(subscription, now);
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

    public static void Now(World world, Subscription subscription, string reason)
    {
        var now = world.NowOn(subscription.TestClockId);
        End(world, subscription, "canceled", now);
        subscription.CanceledAt ??= now;
        subscription.CancellationReason ??= reason;
        world.Events.Emit(subscription, "deleted");
    }

    /// <summary>The first payment did not come within a day: nothing ever began.</summary>
    public static void ExpireIncomplete(World world, Subscription subscription) =>
        world.Events.Change(subscription, () => End(world, subscription, "incomplete_expired", world.NowOn(subscription.TestClockId)));

    private static void End(World world, Subscription subscription, string status, long now)
    {
        foreach (var invoice in subscription.OpenInvoices.ToList())
        {
            // Stripe leaves what is owed open, but asks for it no more.
            invoice.NextPaymentAttempt = null;
        }

        subscription.Status = status;
        subscription.EndedAt = now;
        subscription.Pending = null;
    }
}
