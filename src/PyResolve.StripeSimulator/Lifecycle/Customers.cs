using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Lifecycle;

internal static class Customers
{
    /// <summary>Cancels the customer's subscriptions immediately. The customer can still be read, as deleted.</summary>
    public static void Delete(StripeState state, Customer customer)
    {
        foreach (var subscription in state.Subscriptions.All.Where(subscription => subscription.CustomerId == customer.Id
            && !subscription.IsEnded).ToList())
            Cancellation.CancelNow(state, subscription, Cancellation.Requested);
        var last = customer.Render();
        customer.IsDeleted = true;
        state.Events.Emit("customer.deleted", last);
    }

    /// <summary>Replaces the card, and tries it once for every open invoice.</summary>
    public static void ReplaceCard(StripeState state, Customer customer, CardBehaviour? card)
    {
        Payments.SetCard(state, customer, card);
        if (card is null)
            return;
        foreach (var subscription in state.Subscriptions.All.Where(subscription => subscription.CustomerId == customer.Id
            && !subscription.IsEnded).ToList())
            PayOpenInvoices(state, subscription);
    }

    /// <summary>When all open invoices of a subscription are paid, it becomes active again.</summary>
    public static bool PayOpenInvoices(StripeState state, Subscription subscription)
    {
        foreach (var invoice in subscription.OpenInvoices.ToList())
        {
            if (!Payments.TryPay(state, invoice, isRenewal: false))
                return false;
            if (invoice.Status == "paid")
                SubscriptionChanges.ApplyPending(state, subscription, invoice);
        }

        if (!subscription.OpenInvoices.Any())
            Renewals.Reactivate(state, subscription);
        return true;
    }
}
