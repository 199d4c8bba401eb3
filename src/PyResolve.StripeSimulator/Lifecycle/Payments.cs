using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Lifecycle;

/// <summary>Payments of invoices.</summary>
internal static class Payments
{
    public const string DeclinedMessage = "Your card was declined.";
    private static readonly int[] RetryAfterDays = [3, 5, 7];

    /// <summary>Also where the money comes, or fails to come, days later.</summary>
    public static bool CanPay(Customer customer, bool isRenewal) => customer.Card switch
    {
        CardBehaviour.Works or CardBehaviour.SettlesLater or CardBehaviour.BouncesLater => true,
        CardBehaviour.FailsOnRenewal => !isRenewal,
        _ => false,
    };

    public static void SetCard(StripeState state, Customer customer, CardBehaviour? card)
    {
        var method = card is null ? null : PaymentMethods.Add(state, card.Value, customer);
        state.Events.Change(customer, () =>
        {
            customer.Card = card;
            customer.PaymentMethodId = method?.Id;
        });
    }

    /// <summary>Tries to pay; an invoice of zero is paid. True also while a bank debit is on its way: the invoice stays open.</summary>
    public static bool TryPay(StripeState state, Invoice invoice, bool isRenewal)
    {
        var customer = state.Customers.Get(invoice.CustomerId);
        if (invoice is { AmountDue: > 0, Intent: { } intent })
        {
            if (intent.Status != "processing")
                invoice.AttemptCount++;
            var outcome = PaymentIntents.Attempt(state, intent, customer.Card, customer.PaymentMethodId, isRenewal);
            if (outcome == PaymentOutcome.Failed)
            {
                MarkFailed(state, invoice);
                return false;
            }

            if (outcome == PaymentOutcome.Processing)
            {
                invoice.NextPaymentAttempt = null;
                return true;
            }
        }

        MarkPaid(state, invoice);
        return true;
    }

    public static void MarkFailed(StripeState state, Invoice invoice)
    {
        var now = state.NowOn(invoice.TestClockId);
        invoice.NextPaymentAttempt = invoice.AttemptCount <= RetryAfterDays.Length
            ? now + (RetryAfterDays[invoice.AttemptCount - 1] * 24L * 60 * 60)
            : null;
        state.Customers.Get(invoice.CustomerId).IsDelinquent = true;
        state.Events.Emit(invoice, "payment_failed");
    }

    public static void MarkPaid(StripeState state, Invoice invoice)
    {
        if (invoice.Intent is { } intent)
            PaymentIntents.Succeed(state, intent);
        invoice.Status = "paid";
        invoice.PaidAt = state.NowOn(invoice.TestClockId);
        invoice.NextPaymentAttempt = null;
        state.Customers.Get(invoice.CustomerId).IsDelinquent = false;
        if (invoice.Payment is { } payment)
            state.Events.Emit(payment, "paid");
        state.Events.Emit(invoice, "paid");
        if (invoice.AmountDue > 0)
            state.Events.Emit(invoice, "payment_succeeded");
    }

    public static void Void(StripeState state, Invoice invoice)
    {
        if (invoice.Status is not ("draft" or "open"))
            return;
        if (invoice.Intent is { } intent)
            PaymentIntents.Cancel(state, intent);
        invoice.Status = "void";
        state.Customers.Get(invoice.CustomerId).Balance += invoice.StartingBalance - invoice.EndingBalance;
        invoice.NextPaymentAttempt = null;
        state.Events.Emit(invoice, "voided");
    }
}
