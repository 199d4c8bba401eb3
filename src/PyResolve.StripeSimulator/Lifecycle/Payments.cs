using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Lifecycle;

internal static class Payments
{
    public const string DeclinedMessage = "Your card was declined.";
    private static readonly int[] RetryAfterDays = [3, 5, 7];

    public static bool CanPay(Customer customer, bool isRenewal) => customer.Card switch
    {
        CardBehaviour.Works => true,
        CardBehaviour.FailsOnRenewal => !isRenewal,
        _ => false,
    };

    public static void SetCard(StripeState state, Customer customer, CardBehaviour? card) => state.Events.Change(customer, () =>
    {
        customer.Card = card;
        customer.PaymentMethodId = card is null ? null : state.Ids.Next("pm");
    });

    public static Invoice CreateInvoice(StripeState state, Subscription subscription, long total, string reason)
    {
        var customer = state.Customers.Get(subscription.CustomerId);
        var id = state.Ids.Next("in");
        var invoice = state.Invoices.Add(new Invoice
        {
            Id = id,
            Url = $"{state.BaseUrl}/i/{id}",
            Created = state.NowOn(subscription.TestClockId),
            CustomerId = subscription.CustomerId,
            SubscriptionId = subscription.Id,
            Number = state.Ids.Next("SIM").Replace('_', '-'),
            Currency = subscription.Currency,
            Total = total,
            StartingBalance = customer.Balance,
            BillingReason = reason,
            TestClockId = subscription.TestClockId,
            PeriodStart = subscription.PeriodStart,
            PeriodEnd = subscription.PeriodEnd,
            SubscriptionMetadata = subscription.Metadata,
        });
        customer.Balance = invoice.EndingBalance;
        subscription.Invoices.Add(invoice);
        state.Events.Emit(invoice, "created");
        invoice.Status = "open";
        state.Events.Emit(invoice, "finalized");
        return invoice;
    }

    /// <summary>Tries to pay; an invoice of zero is paid.</summary>
    public static bool TryPay(StripeState state, Invoice invoice, bool isRenewal)
    {
        var customer = state.Customers.Get(invoice.CustomerId);
        if (invoice.AmountDue > 0)
            invoice.AttemptCount++;
        if (invoice.AmountDue == 0 || CanPay(customer, isRenewal))
        {
            MarkPaid(state, invoice);
            return true;
        }

        var now = state.NowOn(invoice.TestClockId);
        invoice.NextPaymentAttempt = invoice.AttemptCount <= RetryAfterDays.Length
            ? now + (RetryAfterDays[invoice.AttemptCount - 1] * 24L * 60 * 60)
            : null;
        customer.IsDelinquent = true;
        state.Events.Emit(invoice, "payment_failed");
        return false;
    }

    public static void MarkPaid(StripeState state, Invoice invoice)
    {
        invoice.Status = "paid";
        invoice.PaidAt = state.NowOn(invoice.TestClockId);
        invoice.NextPaymentAttempt = null;
        state.Customers.Get(invoice.CustomerId).IsDelinquent = false;
        state.Events.Emit(invoice, "paid");
        if (invoice.AmountDue > 0)
            state.Events.Emit(invoice, "payment_succeeded");
    }

    public static void Void(StripeState state, Invoice invoice)
    {
        if (invoice.Status is not ("draft" or "open"))
            return;
        invoice.Status = "void";
        state.Customers.Get(invoice.CustomerId).Balance += invoice.StartingBalance - invoice.EndingBalance;
        invoice.NextPaymentAttempt = null;
        state.Events.Emit(invoice, "voided");
    }
}
