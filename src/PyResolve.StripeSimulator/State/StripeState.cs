using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.State;

/// <summary>The simulator's state. Readers and writers hold <see cref="Gate"/>.</summary>
internal sealed class StripeState
{
    private long? _stepAt;

    public StripeState(SimulatorClock clock, StripeSimulatorOptions options)
    {
        Clock = clock;
        Options = options;
        Ids = new Ids(options.IdTag);
        Deliveries = new DeliveryQueue(this);
        Events = new EventLog(this);
    }

    public Lock Gate { get; } = new();

    public SimulatorClock Clock { get; }

    public StripeSimulatorOptions Options { get; }

    /// <summary>The address that the latest request came to.</summary>
    public string BaseUrl { get; set; } = "";

    public Ids Ids { get; }

    public EventLog Events { get; }

    public DeliveryQueue Deliveries { get; }

    public ObjectTable<Customer> Customers { get; } = new();

    public ObjectTable<Product> Products { get; } = new();

    public ObjectTable<Price> Prices { get; } = new();

    public ObjectTable<Subscription> Subscriptions { get; } = new();

    public ObjectTable<SubscriptionSchedule> Schedules { get; } = new();

    public ObjectTable<Invoice> Invoices { get; } = new();

    public ObjectTable<InvoiceItem> InvoiceItems { get; } = new();

    public ObjectTable<InvoicePayment> InvoicePayments { get; } = new();

    public ObjectTable<PaymentMethod> PaymentMethods { get; } = new();

    public ObjectTable<PaymentIntent> PaymentIntents { get; } = new();

    public ObjectTable<SetupIntent> SetupIntents { get; } = new();

    /// <summary>Payments on their way, which succeed or fail at a given time.</summary>
    public List<PaymentIntent> Settling { get; } = [];

    public ObjectTable<Charge> Charges { get; } = new();

    public ObjectTable<Refund> Refunds { get; } = new();

    public ObjectTable<Dispute> Disputes { get; } = new();

    public ObjectTable<Coupon> Coupons { get; } = new();

    public ObjectTable<PromotionCode> PromotionCodes { get; } = new();

    public ObjectTable<Discount> Discounts { get; } = new();

    public ObjectTable<Meter> Meters { get; } = new();

    /// <summary>In the order of their arrival.</summary>
    public List<MeterEvent> MeterEvents { get; } = [];

    public ObjectTable<CheckoutSession> CheckoutSessions { get; } = new();

    public ObjectTable<PortalSession> PortalSessions { get; } = new();

    public ObjectTable<PortalConfiguration> PortalConfigurations { get; } = new();

    public ObjectTable<TestClock> TestClocks { get; } = new();

    public ObjectTable<WebhookEndpoint> WebhookEndpoints { get; } = new();

    /// <summary>Unix seconds; inside <see cref="At"/>, the moment given there.</summary>
    public long Now => _stepAt ?? Clock.GetUtcNow().ToUnixTimeSeconds();

    public long NowOn(string? testClockId) =>
        _stepAt ?? (testClockId is not null && TestClocks.TryGet(testClockId, out var clock) ? clock.FrozenTime : Now);

    public void At(long moment, Action action)
    {
        var outer = _stepAt;
        _stepAt = moment;
        try
        {
            action();
        }
        finally
        {
            _stepAt = outer;
        }
    }

    /// <summary>The object with this id, of any kind that <c>expand</c> supports.</summary>
    public StripeObject? Find(string id) =>
        Customers.TryGet(id, out var customer) ? customer
        : Products.TryGet(id, out var product) ? product
        : Prices.TryGet(id, out var price) ? price
        : Subscriptions.TryGet(id, out var subscription) ? subscription
        : Schedules.TryGet(id, out var schedule) ? schedule
        : Invoices.TryGet(id, out var invoice) ? invoice
        : CheckoutSessions.TryGet(id, out var session) ? session
        : PaymentMethods.TryGet(id, out var method) ? method
        : PaymentIntents.TryGet(id, out var intent) ? intent
        : SetupIntents.TryGet(id, out var setup) ? setup
        : Charges.TryGet(id, out var charge) ? charge
        : InvoicePayments.TryGet(id, out var payment) ? payment
        : Refunds.TryGet(id, out var refund) ? refund
        : Disputes.TryGet(id, out var dispute) ? dispute
        : Coupons.TryGet(id, out var coupon) ? coupon
        : PromotionCodes.TryGet(id, out var code) ? code
        : Discounts.TryGet(id, out var discount) ? discount
        : InvoiceItems.TryGet(id, out var item) ? item
        : Meters.TryGet(id, out var meter) ? meter
        : TestClocks.TryGet(id, out var clock) ? clock
        : PortalConfigurations.TryGet(id, out var configuration) ? configuration
        : null;
}
