using PyResolve.StripeSimulator.Api;
using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;
using PyResolve.StripeSimulator.Webhooks;

namespace PyResolve.StripeSimulator;

/// <summary>Controls a simulator: the actions of customers and banks, the clock, and failures. Thread-safe; requests see each call
/// completely or not at all.</summary>
public sealed class Simulation
{
    private readonly StripeState _state;

    internal Simulation(StripeState state, InjectedFailures failures, RequestLog log, WebhookSender sender)
    {
        _state = state;
        Webhooks = new WebhookControls(state, sender);
        Requests = new RequestControls(failures, log);
    }

    /// <summary>Delivery of webhooks.</summary>
    public WebhookControls Webhooks { get; }

    /// <summary>Failures, delays and a log of API requests.</summary>
    public RequestControls Requests { get; }

    /// <summary>The simulator's time.</summary>
    public DateTimeOffset Now => _state.Clock.GetUtcNow();

    /// <summary>Moves the clock forward and applies all scheduled changes: renewals, retries, trial ends, cancellations, expiry.</summary>
    /// <param name="by">Zero or more.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public void Advance(TimeSpan by)
    {
        lock (_state.Gate)
        {
            _state.Clock.MoveAhead(by);
            DueChanges.Apply(_state);
            _state.Deliveries.Recheck();
        }
    }

    /// <summary>Runs an action without events, as if its webhooks were never delivered.</summary>
    public void WithoutEvents(Action action)
    {
        ArgumentNullException.ThrowIfNull(action);
        lock (_state.Gate)
        {
            var outer = _state.Events.IsSilent;
            _state.Events.IsSilent = true;
            try
            {
                action();
            }
            finally
            {
                _state.Events.IsSilent = outer;
            }
        }
    }

    /// <summary>Registers a webhook endpoint, like the Stripe Dashboard.</summary>
    /// <param name="url">Receives the events.</param>
    /// <param name="secret">The signing secret; default random.</param>
    /// <param name="apiVersion">The API version of its events; default the account's.</param>
    /// <param name="enabledEvents">Default: all types.</param>
    /// <returns>The signing secret.</returns>
    public string AddWebhookEndpoint(Uri url, string? secret = null, string? apiVersion = null, params string[] enabledEvents)
    {
        ArgumentNullException.ThrowIfNull(url);
        ArgumentNullException.ThrowIfNull(enabledEvents);
        lock (_state.Gate)
        {
            return _state.WebhookEndpoints.Add(new WebhookEndpoint
            {
                Id = _state.Ids.Next("we"),
                Created = _state.Now,
                Url = url.ToString(),
                Secret = string.IsNullOrEmpty(secret) ? Ids.Secret("whsec") : secret,
                ApiVersion = apiVersion,
                EnabledEvents = enabledEvents is [] ? ["*"] : enabledEvents,
            }).Secret;
        }
    }

    /// <summary>Adds a product with one recurring price, like the Stripe Dashboard.</summary>
    /// <param name="productName">The name shown to customers.</param>
    /// <param name="unitAmount">In the currency's minor unit.</param>
    /// <param name="currency">A three-letter code.</param>
    /// <param name="interval"><c>day</c>, <c>week</c>, <c>month</c> or <c>year</c>.</param>
    /// <param name="lookupKey">Default none.</param>
    /// <param name="id">The price's id; default a new one.</param>
    /// <returns>The price's id.</returns>
    public string AddPrice(
        string productName,
        long unitAmount,
        string currency = "usd",
        string interval = "month",
        string? lookupKey = null,
        string? id = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(productName);
        lock (_state.Gate)
        {
            var product = _state.Products.Add(
                new Product { Id = _state.Ids.Next("prod"), Created = _state.Now, Updated = _state.Now, Name = productName });
            _state.Events.Emit(product, "created");
            var price = _state.Prices.Add(new Price
            {
                Id = id ?? _state.Ids.Next("price"),
                Created = _state.Now,
                ProductId = product.Id,
                Currency = currency,
                UnitAmount = unitAmount,
                LookupKey = lookupKey,
                Recurring = new Recurrence(interval, 1, "licensed", Meter: null),
            });
            _state.Events.Emit(price, "created");
            return price.Id;
        }
    }

    /// <summary>Adds a customer.</summary>
    /// <param name="email">Default none.</param>
    /// <param name="card">How payments end; null: no payment method.</param>
    /// <param name="metadata">Default none.</param>
    /// <returns>The customer's id.</returns>
    public string AddCustomer(
        string? email = null, CardBehaviour? card = CardBehaviour.Works, IReadOnlyDictionary<string, string>? metadata = null)
    {
        lock (_state.Gate)
        {
            var customer = _state.Customers.Add(new Customer
            {
                Id = _state.Ids.Next("cus"),
                Created = _state.Now,
                Email = email,
                Metadata = new Dictionary<string, string>(metadata ?? new Dictionary<string, string>()),
            });
            _state.Events.Emit(customer, "created");
            if (card is not null)
                Payments.SetCard(_state, customer, card);
            return customer.Id;
        }
    }

    /// <summary>Replaces the card, and tries it at once for every open invoice. Null removes the payment method.</summary>
    /// <exception cref="KeyNotFoundException">The customer does not exist.</exception>
    public void ReplaceCard(string customerId, CardBehaviour? card)
    {
        lock (_state.Gate)
            Customers.ReplaceCard(_state, _state.Customers.Get(customerId), card);
    }

    /// <summary>Deletes a customer and ends the subscriptions.</summary>
    /// <exception cref="KeyNotFoundException">The customer does not exist.</exception>
    public void DeleteCustomer(string customerId)
    {
        lock (_state.Gate)
        {
            if (_state.Customers.Get(customerId) is { IsDeleted: false } customer)
                Customers.Delete(_state, customer);
        }
    }

    /// <summary>Disputes a payment, as the card's owner does at the bank; also one that no subscription made.</summary>
    /// <returns>The dispute's id.</returns>
    /// <exception cref="KeyNotFoundException">There is no such charge, nothing was paid, or it is disputed already.</exception>
    public string DisputeCharge(string chargeId)
    {
        lock (_state.Gate)
        {
            return _state.Charges.Get(chargeId) is { Status: "succeeded", IsDisputed: false } charge
                ? Refunds.Dispute(_state, charge, "fraudulent").Id
                : throw new KeyNotFoundException("This charge has no payment to take back.");
        }
    }

    /// <summary>Gives all that is left of a payment back, as in the Dashboard; also of one that no subscription made.</summary>
    /// <exception cref="KeyNotFoundException">
    /// There is no such charge, nothing was paid, it is given back already, or it is disputed.
    /// </exception>
    public void RefundCharge(string chargeId)
    {
        lock (_state.Gate)
        {
            if (_state.Charges.Get(chargeId) is not { Status: "succeeded", IsDisputed: false } charge
                || charge.AmountRefunded == charge.Amount)
                throw new KeyNotFoundException("This charge has no payment to give back.");
            Refunds.Give(_state, charge, charge.Amount - charge.AmountRefunded, "requested_by_customer");
        }
    }

    /// <summary>The bank decides a dispute.</summary>
    /// <exception cref="KeyNotFoundException">The dispute does not exist.</exception>
    public void CloseDispute(string disputeId, bool isWon)
    {
        lock (_state.Gate)
            Refunds.Close(_state, _state.Disputes.Get(disputeId), isWon);
    }

    /// <summary>Subscribes a customer without a checkout page.</summary>
    /// <returns>The subscription's id. It is <c>incomplete</c> if the card is declined.</returns>
    /// <exception cref="KeyNotFoundException">The customer or the price does not exist.</exception>
    public string Subscribe(string customerId, string priceId, int trialDays = 0)
    {
        lock (_state.Gate)
        {
            var customer = _state.Customers.Get(customerId);
            var now = DateTimeOffset.FromUnixTimeSeconds(_state.NowOn(customer.TestClockId));
            return SubscriptionCreation.Create(_state, new NewSubscription(customer, [(_state.Prices.Get(priceId), 1)])
            {
                TrialEnd = trialDays > 0 ? now.AddDays(trialDays).ToUnixTimeSeconds() : null,
            }).Id;
        }
    }

    /// <summary>Pays a checkout session with a card; null: without one, where the session allows that.</summary>
    /// <returns>The session's success URL; null when the card was declined.</returns>
    /// <exception cref="KeyNotFoundException">The session does not exist.</exception>
    public Uri? PayCheckout(string sessionId, CardBehaviour? card = CardBehaviour.Works)
    {
        lock (_state.Gate)
        {
            var session = _state.CheckoutSessions.Get(sessionId);
            return Checkouts.Pay(_state, session, card) is null ? new Uri(Checkouts.SuccessUrl(session)) : null;
        }
    }

    /// <summary>The controls of one subscription.</summary>
    /// <exception cref="KeyNotFoundException">The subscription does not exist.</exception>
    public SubscriptionControls Subscription(string subscriptionId)
    {
        lock (_state.Gate)
            return new SubscriptionControls(_state, _state.Subscriptions.Get(subscriptionId));
    }

    /// <summary>The ids of a customer's subscriptions, oldest first, including ended ones.</summary>
    public IReadOnlyList<string> SubscriptionsOf(string customerId)
    {
        lock (_state.Gate)
        {
            var subscriptions = _state.Subscriptions.All.Where(subscription => subscription.CustomerId == customerId);
            return [.. subscriptions.Select(static subscription => subscription.Id)];
        }
    }
}
