using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Lifecycle;

/// <summary>Invoices and how paying them goes.</summary>
internal static class Payments
{
    public const string Declined = "Your card was declined.";

    /// <summary>Days from one attempt to the next.</summary>
    private static readonly int[] RetryAfterDays = [3, 5, 7];

    public static bool CanPay(Customer customer, bool isRenewal) => customer.Card switch
    {
        CardBehaviour.Works => true,
        CardBehaviour.FailsOnRenewal => !isRenewal,
        _ => false,
    };

    public static void SetCard(World world, Customer customer, CardBehaviour? card) => world.Events.Change(customer, () =>
    {
        customer.Card = card;
        customer.PaymentMethodId = card is null ? null : world.Ids.Next("pm");
    });

    /// <summary>Makes an invoice that is open, and tells it.</summary>
    public static Invoice Open(World world, Subscription subscription, long total, string reason)
    {
        var invoice = world.Invoices.Add(new Invoice
        {
            Id = world.Ids.Next("in"),
            Created = world.NowOn(subscription.TestClockId),
            CustomerId = subscription.CustomerId,
            SubscriptionId = subscription.Id,
            Number = world.Ids.Next("SIM").Replace('_', '-'),
            Currency = subscription.Currency,
            Total = total,
            BillingReason = reason,
            TestClockId = subscription.TestClockId,
            PeriodStart = subscription.PeriodStart,
            PeriodEnd = subscription.PeriodEnd,
            SubscriptionMetadata = subscription.Metadata,
        });
        subscription.Invoices.Add(invoice);
        world.Events.Emit(invoice, "created");
        invoice.Status = "open";
        world.Events.Emit(invoice, "finalized");
        return invoice;
    }

    /// <summary>Tries to pay. Nothing to pay is paid.</summary>
    /// <returns>Whether the invoice is paid.</returns>
    public static bool Try(World world, Invoice invoice, bool isRenewal)
    {
        var customer = world.Customers.Get(invoice.CustomerId);
        if (invoice.Total > 0)
            invoice.AttemptCount++;
        if (invoice.Total <= 0 || CanPay(customer, isRenewal))
        {
            MarkPaid(world, invoice);
            return true;
        }

        var now = world.NowOn(invoice.TestClockId);
        invoice.NextPaymentAttempt = invoice.AttemptCount <= RetryAfterDays.Length
            ? now + (RetryAfterDays[invoice.AttemptCount - 1] * 24L * 60 * 60)
            : null;
        customer.IsDelinquent = true;
        world.Events.Emit(invoice, "payment_failed");
        return false;
    }

    public static void MarkPaid(World world, Invoice invoice)
    {
        invoice.Status = "paid";
        invoice.PaidAt = world.NowOn(invoice.TestClockId);
        invoice.NextPaymentAttempt = null;
        world.Customers.Get(invoice.CustomerId).IsDelinquent = false;
        world.Events.Emit(invoice, "paid");
        if (invoice.Total > 0)
            world.Events.Emit(invoice, "payment_succeeded");
    }

    public static void Void(World world, Invoice invoice)
    {
        if (invoice.Status is not ("draft" or "open"))
            return;
        invoice.Status = "void";
        invoice.NextPaymentAttempt = null;
        world.Events.Emit(invoice, "voided");
    }
}
