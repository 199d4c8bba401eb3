using PyResolve.StripeSimulator.Clock;
using PyResolve.StripeSimulator.Webhooks;

namespace PyResolve.StripeSimulator.Objects;

/// <summary>All that Stripe knows. Whoever reads or writes it holds <see cref="Gate"/>.</summary>
internal sealed class World
{
    private long? _stepAt;

    public World(SimulatorClock clock, StripeSimulatorOptions options)
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

    public Ids Ids { get; }

    public EventLog Events { get; }

    public DeliveryQueue Deliveries { get; }

    public ObjectTable<Customer> Customers { get; } = new();

    public ObjectTable<Product> Products { get; } = new();

    public ObjectTable<Price> Prices { get; } = new();

    public ObjectTable<Subscription> Subscriptions { get; } = new();

    public ObjectTable<Invoice> Invoices { get; } = new();

    public ObjectTable<CheckoutSession> CheckoutSessions { get; } = new();

    public ObjectTable<PortalSession> PortalSessions { get; } = new();

    public ObjectTable<PortalConfiguration> PortalConfigurations { get; } = new();

    public ObjectTable<TestClock> TestClocks { get; } = new();

    public ObjectTable<WebhookEndpoint> WebhookEndpoints { get; } = new();

    /// <summary>Unix seconds; while time is being caught up on, the moment that is being lived through.</summary>
    public long Now => _stepAt ?? Clock.GetUtcNow().ToUnixTimeSeconds();

    public long NowOn(string? testClockId) =>
        _stepAt ?? (testClockId is not null && TestClocks.TryGet(testClockId, out var clock) ? clock.FrozenTime : Now);

    /// <summary>Lives through something as of a moment.</summary>
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

    /// <summary>Anything that has this id and can stand in another object in its place.</summary>
    public StripeObject? Find(string id) =>
        Customers.TryGet(id, out var customer) ? customer
        : Products.TryGet(id, out var product) ? product
        : Prices.TryGet(id, out var price) ? price
        : Subscriptions.TryGet(id, out var subscription) ? subscription
        : Invoices.TryGet(id, out var invoice) ? invoice
        : CheckoutSessions.TryGet(id, out var session) ? session
        : TestClocks.TryGet(id, out var clock) ? clock
        : PortalConfigurations.TryGet(id, out var configuration) ? configuration
        : null;
}
