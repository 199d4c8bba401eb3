using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Lifecycle;

internal static class Checkouts
{
    private const long Day = 24 * 60 * 60;

    /// <summary>Pays with a card; returns the error to show, null on success. After a declined card the session stays open.</summary>
    public static string? Pay(StripeState state, CheckoutSession session, CardBehaviour card)
    {
        if (session.Status != "open")
            return "This page is no longer open.";
        if (session.CustomerId is { } known && state.Customers.Get(known).IsDeleted)
            return "This customer no longer exists.";
        if (session.DueToday > 0 && card == CardBehaviour.Declined)
            return Payments.DeclinedMessage;
        var customer = CustomerOf(state, session);
        Payments.SetCard(state, customer, card);
        var now = state.NowOn(customer.TestClockId);
        var subscription = SubscriptionCreation.Create(state, new NewSubscription(
            customer, [.. session.LineItems.Select(static item => (item.Price, item.Quantity))])
        {
            Metadata = new Dictionary<string, string>(session.SubscriptionMetadata),
            Description = session.SubscriptionDescription,
            TrialEnd = TrialEnd(session, now),
            MissingPaymentMethod = session.MissingPaymentMethod,
            BillingMode = session.BillingMode,
            IsPaid = true,
        });
        session.Status = "complete";
        session.PaymentStatus = session.HasTrial ? "no_payment_required" : "paid";
        session.CustomerId = customer.Id;
        session.SubscriptionId = subscription.Id;
        session.InvoiceId = subscription.LatestInvoiceId;
        state.Events.Emit(session, "completed");
        return null;
    }

    public static void Expire(StripeState state, CheckoutSession session)
    {
        session.Status = "expired";
        state.Events.Emit(session, "expired");
    }

    public static long? TrialEnd(CheckoutSession session, long now) =>
        session.TrialEnd ?? (session.TrialDays is { } days ? now + (days * Day) : null);

    public static string SuccessUrl(CheckoutSession session) =>
        session.SuccessUrl.Replace("{CHECKOUT_SESSION_ID}", session.Id, StringComparison.Ordinal);

    private static Customer CustomerOf(StripeState state, CheckoutSession session)
    {
        if (session.CustomerId is { } id)
            return state.Customers.Get(id);
        var customer = state.Customers.Add(new Customer { Id = state.Ids.Next("cus"), Created = state.Now, Email = session.CustomerEmail });
        state.Events.Emit(customer, "created");
        return customer;
    }
}
