using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Lifecycle;

internal static class Customers
{
    /// <summary>Ends the customer's subscriptions at once; the id keeps answering, as deleted.</summary>
    public static void Delete(World world, Customer customer)
    {
        foreach (var subscription in world.Subscriptions.All.Where(subscription => subscription.CustomerId == customer.Id && !subscription.IsEnded).ToList())
            Cancelling.Now(world, subscription, Cancelling.Requested);
        var last = customer.Render();
        customer.IsDeleted = true;
        world.Events.Emit("customer.deleted", last);
    }

    /// <summary>Another card: what is owed is tried again with it, once.</summary>
    public static void ReplaceCard(World world, Customer customer, CardBehaviour? card)
    {
        Payments.SetCard(world, customer, card);
        if (card is null)
            return;
        foreach (var subscription in world.Subscriptions.All.Where(subscription => subscription.CustomerId == customer.Id && !subscription.IsEnded).ToList())
            PayWhatIsOwed(world, subscription);
    }

    /// <summary>Tries all open invoices of a subscription; once nothing is owed it is active again.</summary>
    public static bool PayWhatIsOwed(World world, Subscription subscription)
    {
        foreach (var invoice in subscription.OpenInvoices.ToList())
        {
            if (!Payments.Try(world, invoice, isRenewal: false))
                return false;
            SubscriptionChanges.SettlePending(world, subscription, invoice);
        }

        Renewals.Recover(world, subscription);
        return true;
    }
}
