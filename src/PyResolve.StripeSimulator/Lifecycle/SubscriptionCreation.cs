using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Lifecycle;

internal sealed record NewSubscription(Customer Customer, IReadOnlyList<(Price Price, long Quantity)> Items)
{
    public Dictionary<string, string> Metadata { get; init; } = [];

    public string? Description { get; init; }

    public long? TrialEnd { get; init; }

    public string MissingPaymentMethod { get; init; } = "create_invoice";

    public string BillingMode { get; init; } = "flexible";

    public bool CancelAtPeriodEnd { get; init; }

    public long? CancelAt { get; init; }

    public IReadOnlyList<Reduction> Reductions { get; init; } = [];

    public bool HasAutomaticTax { get; init; }

    /// <summary>Whether a checkout page has taken the payment.</summary>
    public bool IsPaid { get; init; }

    /// <summary><c>default_incomplete</c>: the first invoice waits until somebody pays it.</summary>
    public bool WaitsForPayment { get; init; }
}

internal static class SubscriptionCreation
{
    public static Subscription Create(StripeState state, NewSubscription values)
    {
        var now = state.NowOn(values.Customer.TestClockId);
        var subscription = CreateSubscription(state, values, now);
        state.Subscriptions.Add(subscription);
        Coupons.Give(state, subscription, values.Reductions);
        if (values.CancelAtPeriodEnd)
            Cancellation.Schedule(subscription, now);
        if (subscription.Status == "trialing")
        {
            state.Events.Emit(subscription, "created");
            subscription.LatestInvoiceId = CreateFirstInvoice(state, subscription, InvoiceLines.ForTrial(state, subscription)).Id;
            Payments.TryPay(state, state.Invoices.Get(subscription.LatestInvoiceId), isRenewal: false);
            return subscription;
        }

        var isPaid = values.IsPaid || subscription.Amount == 0
            || (!values.WaitsForPayment && Payments.CanPay(values.Customer, isRenewal: false));
        subscription.Status = isPaid ? "active" : "incomplete";
        state.Events.Emit(subscription, "created");
        var invoice = CreateFirstInvoice(state, subscription, InvoiceLines.ForPeriod(state, subscription));
        subscription.LatestInvoiceId = invoice.Id;
        if (values.WaitsForPayment && invoice.Intent is { } intent)
            PaymentIntents.Offer(intent, values.Customer.PaymentMethodId);
        else if (Payments.TryPay(state, invoice, isRenewal: false) && subscription.Status == "incomplete")
            Renewals.Reactivate(state, subscription);
        return subscription;
    }

    public static SubscriptionItem CreateItem(StripeState state, string subscriptionId, Price price, long quantity, long now, long end) =>
        new()
    {
        Id = state.Ids.Next("si"),
        Created = now,
        SubscriptionId = subscriptionId,
        Price = price,
        Quantity = quantity,
        PeriodStart = now,
        PeriodEnd = end,
        UsageFrom = now,
    };

    private static Subscription CreateSubscription(StripeState state, NewSubscription values, long now)
    {
        var isTrial = values.TrialEnd > now;
        var id = state.Ids.Next("sub");
        var subscription = new Subscription
        {
            Id = id,
            Created = now,
            CustomerId = values.Customer.Id,
            TestClockId = values.Customer.TestClockId,
            Status = isTrial ? "trialing" : "incomplete",
            Currency = values.Items[0].Price.Currency,
            BillingMode = values.BillingMode,
            Metadata = values.Metadata,
            Description = values.Description,
            StartDate = now,
            IncompleteSince = now,
            BillingCycleAnchor = isTrial ? values.TrialEnd!.Value : now,
            TrialStart = isTrial ? now : null,
            TrialEnd = isTrial ? values.TrialEnd : null,
            MissingPaymentMethod = values.MissingPaymentMethod,
            CancelAt = values.CancelAt,
            HasAutomaticTax = values.HasAutomaticTax,
        };
        subscription.Items.AddRange(values.Items.Select(item => CreateItem(
            state, id, item.Price, item.Quantity, now, isTrial ? values.TrialEnd!.Value : item.Price.Recurring!.After(now))));
        return subscription;
    }

    private static Invoice CreateFirstInvoice(StripeState state, Subscription subscription, IReadOnlyList<InvoiceLine> lines) =>
        Invoices.Create(state, subscription, lines, "subscription_create");
}
