using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Lifecycle;

/// <summary>What a new subscription is to be.</summary>
internal sealed record NewSubscription(Customer Customer, IReadOnlyList<(Price Price, long Quantity)> Items)
{
    public Dictionary<string, string> Metadata { get; init; } = [];

    public string? Description { get; init; }

    public long? TrialEnd { get; init; }

    public string MissingPaymentMethod { get; init; } = "create_invoice";

    public string BillingMode { get; init; } = "flexible";

    public bool CancelAtPeriodEnd { get; init; }

    public long? CancelAt { get; init; }

    /// <summary>The payment was taken already, on a checkout page.</summary>
    public bool IsPaid { get; init; }
}

/// <summary>Begins subscriptions.</summary>
internal static class Starting
{
    public static Subscription Start(World world, NewSubscription wanted)
    {
        var now = world.NowOn(wanted.Customer.TestClockId);
        var subscription = Make(world, wanted, now);
        world.Subscriptions.Add(subscription);
        if (wanted.CancelAtPeriodEnd)
            Cancelling.AtPeriodEnd(subscription, now);
        if (subscription.Status == "trialing")
        {
            world.Events.Emit(subscription, "created");
            subscription.LatestInvoiceId = OpenFirst(world, subscription, total: 0).Id;
            Payments.Try(world, world.Invoices.Get(subscription.LatestInvoiceId), isRenewal: false);
            return subscription;
        }

        var isPaid = wanted.IsPaid || Amount(subscription) == 0 || Payments.CanPay(wanted.Customer, isRenewal: false);
        subscription.Status = isPaid ? "active" : "incomplete";
        world.Events.Emit(subscription, "created");
        var invoice = OpenFirst(world, subscription, Amount(subscription));
        subscription.LatestInvoiceId = invoice.Id;
        if (isPaid)
            Payments.MarkPaid(world, invoice);
        else
            Payments.Try(world, invoice, isRenewal: false);
        return subscription;
    }

    public static long Amount(Subscription subscription) => subscription.Items.Sum(static item => item.Amount);

    public static SubscriptionItem Item(World world, string subscriptionId, Price price, long quantity, long now, long end) => new()
    {
        Id = world.Ids.Next("si"),
        Created = now,
        SubscriptionId = subscriptionId,
        Price = price,
        Quantity = quantity,
        PeriodStart = now,
        PeriodEnd = end,
    };

    private static Subscription Make(World world, NewSubscription wanted, long now)
    {
        var isTrial = wanted.TrialEnd > now;
        var id = world.Ids.Next("sub");
        var subscription = new Subscription
        {
            Id = id,
            Created = now,
            CustomerId = wanted.Customer.Id,
            TestClockId = wanted.Customer.TestClockId,
            Status = isTrial ? "trialing" : "incomplete",
            Currency = wanted.Items[0].Price.Currency,
            BillingMode = wanted.BillingMode,
            Metadata = wanted.Metadata,
            Description = wanted.Description,
            StartDate = now,
            IncompleteSince = now,
            BillingCycleAnchor = isTrial ? wanted.TrialEnd!.Value : now,
            TrialStart = isTrial ? now : null,
            TrialEnd = isTrial ? wanted.TrialEnd : null,
            MissingPaymentMethod = wanted.MissingPaymentMethod,
            CancelAt = wanted.CancelAt,
        };
        subscription.Items.AddRange(wanted.Items.Select(item => Item(
            world, id, item.Price, item.Quantity, now, isTrial ? wanted.TrialEnd!.Value : item.Price.Recurring!.After(now))));
        return subscription;
    }

    private static Invoice OpenFirst(World world, Subscription subscription, long total) =>
        Payments.Open(world, subscription, total, "subscription_create");
}
