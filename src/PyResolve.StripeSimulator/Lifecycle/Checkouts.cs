using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Lifecycle;

internal static class Checkouts
{
    private const long Day = 24 * 60 * 60;

    /// <summary>Pays with a card; returns the error to show, null on success. After a declined card the session stays open.</summary>
    /// <param name="state">The simulator's.</param>
    /// <param name="session">Open.</param>
    /// <param name="card">Null: without one, which a session without a payment may allow.</param>
    public static string? Pay(StripeState state, CheckoutSession session, CardBehaviour? card)
    {
        if (session.Status != "open")
            return "This page is no longer open.";
        if (session.CustomerId is { } known && state.Customers.Get(known).IsDeleted)
            return "This customer no longer exists.";
        if (card is null && !session.AllowsNoCard)
            return "Choose how the card behaves.";
        if ((session.DueToday > 0 || session.Mode == "setup") && card == CardBehaviour.Declined)
            return Payments.DeclinedMessage;
        var customer = CustomerOf(state, session);
        if (card is not null && session.Mode == "subscription")
            Payments.SetCard(state, customer!, card);
        session.CustomerId = customer?.Id;
        if (session.Mode == "payment")
            PayOnce(state, session, customer, card);
        else if (session.Mode == "setup")
            SetUp(state, session, customer!, card!.Value);
        else
            Subscribe(state, session, customer!);
        session.Status = "complete";
        state.Events.Emit(session, "completed");
        return null;
    }

    public static SetupIntent BeginSetup(StripeState state, Customer? customer)
    {
        var intent = state.SetupIntents.Add(new SetupIntent
        {
            Id = state.Ids.Next("seti"), Created = state.NowOn(customer?.TestClockId), CustomerId = customer?.Id,
        });
        state.Events.Emit(intent, "created");
        return intent;
    }

    public static void Expire(StripeState state, CheckoutSession session)
    {
        session.Status = "expired";
        state.Events.Emit(session, "expired");
    }

    /// <summary>A bank debit that paid a checkout has arrived, or has bounced.</summary>
    public static void Settle(StripeState state, PaymentIntent intent, bool isPaid)
    {
        var found = state.CheckoutSessions.All.FirstOrDefault(session => session is { PaymentStatus: "unpaid", Status: "complete" }
            && (session.PaymentIntentId == intent.Id || (intent.InvoiceId is { } invoice && session.InvoiceId == invoice)));
        if (found is null)
            return;
        if (isPaid)
            found.PaymentStatus = "paid";
        state.Events.Emit(found, isPaid ? "async_payment_succeeded" : "async_payment_failed");
    }

    public static long? TrialEnd(CheckoutSession session, long now) =>
        session.TrialEnd ?? (session.TrialDays is { } days ? now + (days * Day) : null);

    public static string SuccessUrl(CheckoutSession session) =>
        session.SuccessUrl.Replace("{CHECKOUT_SESSION_ID}", session.Id, StringComparison.Ordinal);

    private static void Subscribe(StripeState state, CheckoutSession session, Customer customer)
    {
        var now = state.NowOn(customer.TestClockId);
        var subscription = SubscriptionCreation.Create(state, new NewSubscription(
            customer, [.. session.LineItems.Select(static item => (item.Price, item.Quantity))])
        {
            Metadata = new Dictionary<string, string>(session.SubscriptionMetadata),
            Description = session.SubscriptionDescription,
            TrialEnd = TrialEnd(session, now),
            MissingPaymentMethod = session.MissingPaymentMethod,
            BillingMode = session.BillingMode,
            Reductions = session.Reductions,
            HasAutomaticTax = session.HasAutomaticTax,
            IsPaid = true,
        });
        session.SubscriptionId = subscription.Id;
        session.InvoiceId = subscription.LatestInvoiceId;
        session.PaymentStatus = session.HasTrial || session.DueToday == 0
            ? "no_payment_required"
            : state.Invoices.Get(subscription.LatestInvoiceId!).Status == "paid" ? "paid" : "unpaid";
    }

    /// <summary>The way to pay is the customer's from now on, but not the one that pays invoices.</summary>
    private static void SetUp(StripeState state, CheckoutSession session, Customer customer, CardBehaviour card)
    {
        var intent = state.SetupIntents.Get(session.SetupIntentId!);
        intent.CustomerId = customer.Id;
        intent.PaymentMethodId = PaymentMethods.Add(state, card, customer).Id;
        session.PaymentStatus = "no_payment_required";
        state.Events.Emit(intent, "succeeded");
    }

    private static void PayOnce(StripeState state, CheckoutSession session, Customer? customer, CardBehaviour? card)
    {
        foreach (var (coupon, code) in session.Reductions)
            Coupons.Redeem(coupon, code);
        if (session.DueToday == 0)
        {
            session.PaymentStatus = "no_payment_required";
            return;
        }

        var intent = PaymentIntents.Add(state, new PaymentIntent
        {
            Id = state.Ids.Next("pi"),
            Created = state.NowOn(customer?.TestClockId),
            Amount = session.DueToday,
            Currency = session.Currency,
            CustomerId = customer?.Id,
            TestClockId = customer?.TestClockId,
            Description = session.PaymentDescription,
            ReceiptEmail = session.CustomerEmail,
            Metadata = new Dictionary<string, string>(session.PaymentMetadata),
        });
        var method = card is null ? null : PaymentMethods.Add(state, card.Value, customer);
        session.PaymentIntentId = intent.Id;
        session.PaymentStatus = PaymentIntents.Attempt(state, intent, card, method?.Id, isRenewal: false) == PaymentOutcome.Paid
            ? "paid"
            : "unpaid";
    }

    /// <summary>A one-off payment needs no customer.</summary>
    private static Customer? CustomerOf(StripeState state, CheckoutSession session)
    {
        if (session.CustomerId is { } id)
            return state.Customers.Get(id);
        if (session is { Mode: "payment", CreatesCustomer: false })
            return null;
        var customer = state.Customers.Add(new Customer { Id = state.Ids.Next("cus"), Created = state.Now, Email = session.CustomerEmail });
        state.Events.Emit(customer, "created");
        return customer;
    }
}
