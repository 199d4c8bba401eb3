using PyResolve.StripeSimulator.Api;
using PyResolve.StripeSimulator.Control;
using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.Webhooks;

namespace PyResolve.StripeSimulator;

/// <summary>
/// The controls of a simulator: what a person would do on Stripe's pages, what time and banks would do, and what goes wrong in between.
/// Thread-safe; each call is one step that requests see whole or not at all.
/// </summary>
public sealed class Simulation
{
    private readonly World _world;

    internal Simulation(World world, Faults faults, RequestLog log, DeliveryPump pump)
    {
        _world = world;
        Webhooks = new WebhookControls(world, pump);
        Requests = new RequestControls(faults, log);
    }

    /// <summary>Deliveries: hold, send, repeat, delay, mix and drop them.</summary>
    public WebhookControls Webhooks { get; }

    /// <summary>Requests to the API: count, fail and slow them.</summary>
    public RequestControls Requests { get; }

    /// <summary>The simulator's time.</summary>
    public DateTimeOffset Now => _world.Clock.GetUtcNow();

    /// <summary>Moves time ahead and lives through all that falls due: renewals, retries, ends of trials, cancellations, expiry.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Time does not run back.</exception>
    public void Advance(TimeSpan by)
    {
        lock (_world.Gate)
        {
            _world.Clock.MoveAhead(by);
            Passage.CatchUp(_world);
            _world.Deliveries.Recheck();
        }
    }

    /// <summary>Does something that no event tells of, as when Stripe's webhooks are lost for good.</summary>
    public void Silently(Action action)
    {
        ArgumentNullException.ThrowIfNull(action);
        lock (_world.Gate)
        {
            var outer = _world.Events.IsSilent;
            _world.Events.IsSilent = true;
            try
            {
                action();
            }
            finally
            {
                _world.Events.IsSilent = outer;
            }
        }
    }

    /// <summary>Does several things that requests see at once.</summary>
    public void AtOnce(Action action)
    {
        ArgumentNullException.ThrowIfNull(action);
        lock (_world.Gate)
            action();
    }

    /// <summary>Registers an endpoint, as in the Dashboard.</summary>
    /// <param name="url">Where events go.</param>
    /// <param name="secret">The signing secret; random unless given.</param>
    /// <param name="apiVersion">The version of the endpoint's events; the account's unless given.</param>
    /// <param name="enabledEvents">Their types; all unless given.</param>
    /// <returns>The signing secret.</returns>
    public string AddWebhookEndpoint(Uri url, string? secret = null, string? apiVersion = null, params string[] enabledEvents)
    {
        ArgumentNullException.ThrowIfNull(url);
        ArgumentNullException.ThrowIfNull(enabledEvents);
        lock (_world.Gate)
        {
            return _world.WebhookEndpoints.Add(new WebhookEndpoint
            {
                Id = _world.Ids.Next("we"),
                Created = _world.Now,
                Url = url.ToString(),
                Secret = string.IsNullOrEmpty(secret) ? Ids.Secret("whsec") : secret,
                ApiVersion = apiVersion,
                EnabledEvents = enabledEvents is [] ? ["*"] : enabledEvents,
            }).Secret;
        }
    }

    /// <summary>Adds a product with one recurring price, as in the Dashboard.</summary>
    /// <param name="productName">What customers read.</param>
    /// <param name="unitAmount">In the currency's minor unit.</param>
    /// <param name="currency">Three letters; default <c>usd</c>.</param>
    /// <param name="interval"><c>day</c>, <c>week</c>, <c>month</c> (the default) or <c>year</c>.</param>
    /// <param name="lookupKey">By which the price is found; none unless given.</param>
    /// <param name="id">The price's id; a fresh one unless given.</param>
    /// <returns>The price's id.</returns>
    public string AddPrice(
        string productName, long unitAmount, string currency = "usd", string interval = "month", string? lookupKey = null, string? id = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(productName);
        lock (_world.Gate)
        {
            var product = _world.Products.Add(new Product { Id = _world.Ids.Next("prod"), Created = _world.Now, Updated = _world.Now, Name = productName });
            _world.Events.Emit(product, "created");
            var price = _world.Prices.Add(new Price
            {
                Id = id ?? _world.Ids.Next("price"),
                Created = _world.Now,
                ProductId = product.Id,
                Currency = currency,
                UnitAmount = unitAmount,
                LookupKey = lookupKey,
                Recurring = new Recurrence(interval, 1, "licensed", Meter: null),
            });
            _world.Events.Emit(price, "created");
            return price.Id;
        }
    }

    /// <summary>Adds a customer, with a card that works unless told otherwise.</summary>
    /// <returns>The customer's id.</returns>
    public string AddCustomer(string? email = null, CardBehaviour? card = CardBehaviour.Works, IReadOnlyDictionary<string, string>? metadata = null)
    {
        lock (_world.Gate)
        {
            var customer = _world.Customers.Add(new Customer
            {
                Id = _world.Ids.Next("cus"),
                Created = _world.Now,
                Email = email,
                Metadata = new Dictionary<string, string>(metadata ?? new Dictionary<string, string>()),
            });
            _world.Events.Emit(customer, "created");
            if (card is not null)
                Payments.SetCard(_world, customer, card);
            return customer.Id;
        }
    }

    /// <summary>Another card from now on, tried at once for what is owed.</summary>
    /// <param name="customerId">Whose.</param>
    /// <param name="card">Null takes the payment method away.</param>
    /// <exception cref="KeyNotFoundException">There is no such customer.</exception>
    public void ReplaceCard(string customerId, CardBehaviour? card)
    {
        lock (_world.Gate)
            Customers.ReplaceCard(_world, _world.Customers.Get(customerId), card);
    }

    /// <summary>Deletes a customer, which ends the subscriptions.</summary>
    /// <exception cref="KeyNotFoundException">There is no such customer.</exception>
    public void DeleteCustomer(string customerId)
    {
        lock (_world.Gate)
        {
            if (_world.Customers.Get(customerId) is { IsDeleted: false } customer)
                Customers.Delete(_world, customer);
        }
    }

    /// <summary>Subscribes a customer, without a checkout page.</summary>
    /// <returns>The subscription's id. It is <c>incomplete</c> if the card is declined.</returns>
    /// <exception cref="KeyNotFoundException">There is no such customer or price.</exception>
    public string Subscribe(string customerId, string priceId, int trialDays = 0)
    {
        lock (_world.Gate)
        {
            var customer = _world.Customers.Get(customerId);
            var now = DateTimeOffset.FromUnixTimeSeconds(_world.NowOn(customer.TestClockId));
            return Starting.Start(_world, new NewSubscription(customer, [(_world.Prices.Get(priceId), 1)])
            {
                TrialEnd = trialDays > 0 ? now.AddDays(trialDays).ToUnixTimeSeconds() : null,
            }).Id;
        }
    }

    /// <summary>Pays on a checkout page, as a person with this card.</summary>
    /// <returns>Where the browser would go next; null when the card was declined.</returns>
    /// <exception cref="KeyNotFoundException">There is no such session.</exception>
    public Uri? PayCheckout(string sessionId, CardBehaviour card = CardBehaviour.Works)
    {
        lock (_world.Gate)
        {
            var session = _world.CheckoutSessions.Get(sessionId);
            return Checkouts.Pay(_world, session, card) is null ? new Uri(Checkouts.SuccessUrl(session)) : null;
        }
    }

    /// <summary>Acts on a subscription.</summary>
    /// <exception cref="KeyNotFoundException">There is no such subscription.</exception>
    public SubscriptionControls Subscription(string subscriptionId)
    {
        lock (_world.Gate)
            return new SubscriptionControls(_world, _world.Subscriptions.Get(subscriptionId));
    }

    /// <summary>The ids of a customer's subscriptions, oldest first, ended ones too.</summary>
    public IReadOnlyList<string> SubscriptionsOf(string customerId)
    {
        lock (_world.Gate)
            return [.. _world.Subscriptions.All.Where(subscription => subscription.CustomerId == customerId).Select(static subscription => subscription.Id)];
    }
}
