using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Lifecycle;

/// <summary>What happens to checkout sessions.</summary>
internal static class Checkouts
{
    private const long Day = 24 * 60 * 60;

    /// <summary>Pays, as a person with this card. A refused card leaves nothing behind: the session stays open.</summary>
    /// <returns>What to tell the person; null when it worked.</returns>
    public static string? Pay(World world, CheckoutSession session, CardBehaviour card)
    {
        if (session.Status != "open")
            return "This page is no longer open.";
        if (session.CustomerId is { } known && world.Customers.Get(known).IsDeleted)
            return "This customer no longer exists.";
        if (session.DueToday > 0 && card == CardBehaviour.Declined)
            return Payments.Declined;
        var customer = CustomerOf(world, session);
        Payments.SetCard(world, customer, card);
        var now = world.NowOn(customer.TestClockId);
        var subscription = Starting.Start(world, new NewSubscription(customer, [.. session.LineItems.Select(static item => (item.Price, item.Quantity))])
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
        world.Events.Emit(session, "completed");
        return null;
    }

    public static void Expire(World world, CheckoutSession session)
    {
        session.Status = "expired";
        world.Events.Emit(session, "expired");
    }

    /// <summary>When a trial that began now would end; null without one.</summary>
    public static long? TrialEnd(CheckoutSession session, long now) => session.TrialEnd ?? (session.TrialDays is { } days ? now + (days * Day) : null);

    /// <summary>Where the browser goes after paying.</summary>
    public static string SuccessUrl(CheckoutSession session) =>
        session.SuccessUrl.Replace("{CHECKOUT_SESSION_ID}", session.Id, StringComparison.Ordinal);

    private static Customer CustomerOf(World world, CheckoutSession session)
    {
        if (session.CustomerId is { } id)
            return world.Customers.Get(id);
        var customer = world.Customers.Add(new Customer { Id = world.Ids.Next("cus"), Created = world.Now, Email = session.CustomerEmail });
        world.Events.Emit(customer, "created");
        return customer;
    }
}
