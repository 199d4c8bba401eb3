using System.Collections.Concurrent;
using System.Globalization;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Tests.Billing;

/// <summary>
/// Stripe's state in memory, behind the gateway. It stands beside the simulator because a test's own code runs within a call here: it holds
/// one read after Stripe has answered, or changes the state or fails between two reads; over HTTP, delays are random and failures are
/// counted by route. It implements idempotency keys. Thread-safe.
/// </summary>
internal sealed partial class StripeDouble : IStripeGateway
{
    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<string, object> _answers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, StripeCustomer> _customers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<StripeSubscription>> _subscriptions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, StripeCheckoutSession> _checkouts = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, int> _readers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, int> _mostReaders = new(StringComparer.Ordinal);
    private readonly HashSet<string> _forgotten = new(StringComparer.Ordinal);
    private int _count;
    private int _reads;
    private int _failures;
    private int _failingExpiries;
    private int _failingCreations;

    /// <summary>Runs at the start of a read of subscriptions, and again before its answer is returned.</summary>
    public Func<string, CancellationToken, Task> OnReadSubscriptions { get; set; } = static (_, _) => Task.CompletedTask;

    /// <summary>Runs before a customer is looked up.</summary>
    public Func<string, Task> OnFindCustomer { get; set; } = static _ => Task.CompletedTask;

    /// <summary>Runs before a checkout is created.</summary>
    public Func<Task> OnCreateCheckout { get; set; } = static () => Task.CompletedTask;

    public List<StripeProduct> Products { get; } = [];

    public List<StripePrice> Prices { get; } = [];

    public List<StripeWebhookEndpoint> Endpoints { get; } = [];

    public List<StripePortalConfiguration> PortalConfigurations { get; } = [];

    public List<StripeEvent> Events { get; } = [];

    /// <summary>By customer, newest first.</summary>
    public Dictionary<string, List<StripeInvoice>> Invoices { get; } = [];

    public List<StripeCharge> Charges { get; } = [];

    /// <summary>The time of every charge.</summary>
    public DateTimeOffset ChargedAt { get; set; } = DateTimeOffset.MaxValue;

    /// <summary>The disputes of all charges.</summary>
    public List<StripeDispute> Disputes { get; } = [];

    /// <summary>Customers whose subscriptions are listed only for themselves.</summary>
    public HashSet<string> OnTestClocks { get; } = [];

    /// <summary>What every new checkout is answered with, if not null.</summary>
    public StripeException? RefusesCheckouts { get; set; }

    /// <summary>Whether requests for its clock are never answered.</summary>
    public bool IsSilent { get; set; }

    public TimeSpan Skew { get; set; }

    /// <summary>The checkouts that were created, as they were asked for.</summary>
    public List<NewCheckout> Asked { get; } = [];

    /// <summary>The names of the products that were created.</summary>
    public List<string> Named { get; } = [];

    /// <summary>How often subscriptions were listed.</summary>
    public int Reads => _reads;

    /// <summary>The largest number of concurrent reads of a customer's subscriptions.</summary>
    public int MostReadersOf(string customerId) => _mostReaders.GetValueOrDefault(customerId);

    public int CustomersCreated { get; private set; }

    public IReadOnlyList<StripeCheckoutSession> Checkouts
    {
        get
        {
            lock (_gate)
                return [.. _checkouts.Values];
        }
    }

    /// <summary>Lets the next calls fail as if Stripe could not be reached.</summary>
    public void FailNext(int calls) => _failures = calls;

    /// <summary>Lets the next attempts to close a checkout fail as if Stripe could not be reached.</summary>
    public void FailNextExpiries(int calls) => _failingExpiries = calls;

    /// <summary>Lets the next creations succeed but answer 500, and answer 500 again for the same idempotency key, as Stripe may.</summary>
    public void FailNextCreations(int calls) => _failingCreations = calls;

    public void Set(string customerId, params StripeSubscription[] subscriptions)
    {
        lock (_gate)
        {
            _customers.TryAdd(customerId, new StripeCustomer(customerId));
            _subscriptions[customerId] = [.. subscriptions.Select(subscription => subscription with { Customer = customerId })];
        }
    }

    public void Add(StripeCustomer customer)
    {
        lock (_gate)
            _customers[customer.Id] = customer;
    }

    public void Add(StripeCheckoutSession session)
    {
        lock (_gate)
            _checkouts[session.Id] = session;
    }

    public void Delete(string customerId)
    {
        lock (_gate)
        {
            _customers[customerId] = new StripeCustomer(customerId) { Deleted = true };
            _subscriptions.Remove(customerId);
        }
    }

    /// <summary>Answers as Stripe does of a customer that it never had: there is none, and its lists are refused.</summary>
    public void Forget(string customerId)
    {
        lock (_gate)
        {
            _customers.Remove(customerId);
            _subscriptions.Remove(customerId);
            _forgotten.Add(customerId);
        }
    }

    public void SetCheckout(string id, string status, string? subscription = null, DateTimeOffset? expiresAt = null)
    {
        lock (_gate)
            _checkouts[id] = _checkouts[id] with { Status = status, Subscription = subscription, ExpiresAt = expiresAt };
    }

    public IReadOnlyList<StripeSubscription> SubscriptionsOf(string customerId)
    {
        lock (_gate)
            return [.. _subscriptions.GetValueOrDefault(customerId) ?? []];
    }

    public Task<StripeCustomer> CreateCustomerAsync(
        Guid userId, string email, string idempotencyKey, CancellationToken cancellationToken) => OnceAsync(idempotencyKey, () =>
    {
        CustomersCreated++;
        var customer = new StripeCustomer(Id("cus")) { Metadata = new Dictionary<string, string> { ["user_id"] = userId.ToString() } };
        return _customers[customer.Id] = customer;
    });

    public async Task<StripeCustomer?> FindCustomerAsync(string id, CancellationToken cancellationToken)
    {
        await OnFindCustomer(id);
        return await Answer(() => _customers.GetValueOrDefault(id));
    }

    public async Task<StripeCheckoutSession> CreateCheckoutAsync(
        NewCheckout checkout, string idempotencyKey, CancellationToken cancellationToken)
    {
        await OnCreateCheckout();
        if (RefusesCheckouts is { } refusal)
            throw refusal;
        return await OnceAsync(idempotencyKey, () =>
        {
            Asked.Add(checkout);
            var id = Id("cs_test");
            return _checkouts[id] = new StripeCheckoutSession(id)
            {
                Url = $"https://checkout.example/{id}?price={checkout.Price}",
                Status = StripeCheckoutSession.Open,
                Customer = checkout.CustomerId,
                ClientReferenceId = checkout.UserId.ToString(),
                Metadata = new Dictionary<string, string>
                {
                    [NewCheckout.AttemptKey] = checkout.Attempt.ToString(CultureInfo.InvariantCulture),
                },
            };
        });
    }

    /// <summary>The checkouts that were only tried.</summary>
    public List<NewCheckout> Tried { get; } = [];

    public List<NewPurchase> TriedPurchases { get; } = [];

    public Task TryCheckoutAsync(NewCheckout checkout, CancellationToken cancellationToken) => Answer(() =>
    {
        Tried.Add(checkout);
        return RefusesCheckouts is { } refusal ? throw refusal : checkout;
    });

    public Task TryPurchaseAsync(NewPurchase purchase, CancellationToken cancellationToken) => Answer(() =>
    {
        TriedPurchases.Add(purchase);
        return RefusesCheckouts is { } refusal ? throw refusal : purchase;
    });

    public Task<StripeCheckoutSession> CreateSetupAsync(NewSetup setup, string idempotencyKey, CancellationToken cancellationToken) =>
        OnceAsync(idempotencyKey, () =>
        {
            var id = Id("cs_test");
            return _checkouts[id] = new StripeCheckoutSession(id)
            {
                Url = $"https://checkout.example/{id}?setup={setup.Resumes}",
                Status = StripeCheckoutSession.Open,
                Customer = setup.CustomerId,
                ClientReferenceId = setup.UserId.ToString(),
                Metadata = new Dictionary<string, string>
                {
                    [NewCheckout.AttemptKey] = setup.Attempt.ToString(CultureInfo.InvariantCulture),
                    [StripeCheckoutSession.ResumesKey] = setup.Resumes,
                },
            };
        });

    public Task<string?> FindSetupPaymentMethodAsync(string sessionId, CancellationToken cancellationToken) =>
        Answer<string?>(() => $"pm_of_{sessionId}");

    public Task<StripeCheckoutSession?> FindCheckoutAsync(string id, CancellationToken cancellationToken) =>
        Answer(() => _checkouts.GetValueOrDefault(id));

    public Task<IReadOnlyList<StripeCheckoutSession>> ListCompletedCheckoutsAsync(
        string customerId, CancellationToken cancellationToken) => Answer<IReadOnlyList<StripeCheckoutSession>>(
        () => [.. _checkouts.Values.Reverse().Where(
            session => session.Customer == customerId && session.Status == StripeCheckoutSession.Complete)]);

    public Task<IReadOnlyList<StripeCheckoutSession>> ListOpenCheckoutsAsync(string customerId, CancellationToken cancellationToken) =>
        ListOf<StripeCheckoutSession>(
            customerId,
            () => [.. _checkouts.Values.Where(session => session.Customer == customerId && session.Status == StripeCheckoutSession.Open)]);

    public Task ExpireCheckoutAsync(string id, CancellationToken cancellationToken) => Answer(() =>
    {
        if (_failingExpiries-- > 0)
            throw new StripeException("Stripe cannot be reached.");
        if (_checkouts[id].Status != StripeCheckoutSession.Open)
            throw new StripeException("This session is not open.") { Status = 400, Type = "invalid_request_error" };
        return _checkouts[id] = _checkouts[id] with { Status = "expired" };
    });

    public Task<StripePortalSession> CreatePortalAsync(
        string customerId, string returnUrl, string? configuration, CancellationToken cancellationToken) => Answer(() =>
        _customers.GetValueOrDefault(customerId) is { Deleted: false }
            ? new StripePortalSession($"https://portal.example/{customerId}?return={Uri.EscapeDataString(returnUrl)}")
            : throw new StripeException("No such customer.") { Status = 404, Code = "resource_missing", Param = "customer" });

    public Task<StripeProduct?> FindProductAsync(string id, CancellationToken cancellationToken) =>
        Answer(() => Products.Find(product => product.Id == id));

    public Task<StripeProduct> CreateProductAsync(NewProduct product, CancellationToken cancellationToken) => Answer(() =>
    {
        Named.Add(product.Name);
        Products.Add(new StripeProduct(product.Id)
        {
            Name = product.Name,
            TaxCode = product.TaxCode, Metadata = new Dictionary<string, string> { ["plan"] = product.Plan },
        });
        return Products[^1];
    });

    public Task<StripeProduct> UpdateProductAsync(
        string id, string? name, string? taxCode, CancellationToken cancellationToken) => Answer(() =>
    {
        var at = Products.FindIndex(product => product.Id == id);
        var changed = Products[at];
        return Products[at] = changed with { Name = name ?? changed.Name, TaxCode = taxCode ?? changed.TaxCode };
    });

    public Task<StripePrice?> FindPriceAsync(string id, CancellationToken cancellationToken) =>
        Answer(() => Prices.Find(price => price.Id == id));

    public Task<StripePrice?> FindPriceByLookupKeyAsync(string lookupKey, CancellationToken cancellationToken) =>
        Answer(() => Prices.Find(price => price.LookupKey == lookupKey));

    public Task<StripePrice> CreatePriceAsync(NewPrice price, CancellationToken cancellationToken) => Answer(() =>
    {
        var earlier = Prices.FindIndex(other => other.LookupKey == price.LookupKey);
        if (earlier >= 0)
            Prices[earlier] = Prices[earlier] with { LookupKey = null };
        Prices.Add(new StripePrice(Id("price"))
        {
            Product = price.Product,
            LookupKey = price.LookupKey,
            UnitAmount = price.Amount,
            Currency = price.Currency,
            Recurring = new(price.Interval, "licensed"),
            Active = true,
        });
        return Prices[^1];
    });

    public Task<IReadOnlyList<StripePortalConfiguration>> ListPortalConfigurationsAsync(CancellationToken cancellationToken) =>
        Answer<IReadOnlyList<StripePortalConfiguration>>(() => [.. PortalConfigurations]);

    public Task<StripePortalConfiguration> CreatePortalConfigurationAsync(
        PortalContents contents, CancellationToken cancellationToken) => Answer(() =>
    {
        PortalConfigurations.Add(new StripePortalConfiguration(Id("bpc"))
        {
            Active = true,
            SwitchesPlans = true,
            Prices = [.. contents.Products.SelectMany(static product => product.Prices)],
            ScheduledChanges = StripePortalConfiguration.DowngradeConditions,
            Metadata = new Dictionary<string, string> { [PortalContents.MarkKey] = contents.Mark },
        });
        return PortalConfigurations[^1];
    });

    public Task<StripePortalConfiguration> UpdatePortalConfigurationAsync(
        string id, PortalContents contents, CancellationToken cancellationToken) => Answer(() =>
    {
        var at = PortalConfigurations.FindIndex(configuration => configuration.Id == id);
        return PortalConfigurations[at] = PortalConfigurations[at] with
        {
            SwitchesPlans = true,
            Prices = [.. contents.Products.SelectMany(static product => product.Prices)],
            ScheduledChanges = StripePortalConfiguration.DowngradeConditions,
            Metadata = new Dictionary<string, string> { [PortalContents.MarkKey] = contents.Mark },
        };
    });

    public Task<IReadOnlyList<StripeWebhookEndpoint>> ListWebhookEndpointsAsync(CancellationToken cancellationToken) =>
        Answer<IReadOnlyList<StripeWebhookEndpoint>>(() => [.. Endpoints]);

    public Task<StripeWebhookEndpoint> CreateWebhookEndpointAsync(
        string url, IReadOnlyList<string> events, CancellationToken cancellationToken) => Answer(() =>
    {
        var endpoint = new StripeWebhookEndpoint(Id("we"), url)
        {
            EnabledEvents = events,
            ApiVersion = PyResolve.Server.Billing.Settings.BillingOptions.PinnedApiVersion,
            Status = "enabled",
        };
        Endpoints.Add(endpoint);
        return endpoint with { Secret = "whsec_of_the_new_endpoint" };
    });

    public Task<StripeWebhookEndpoint> UpdateWebhookEndpointAsync(
        string id, IReadOnlyList<string> events, CancellationToken cancellationToken) => Answer(() =>
    {
        var at = Endpoints.FindIndex(endpoint => endpoint.Id == id);
        return Endpoints[at] = Endpoints[at] with { EnabledEvents = events };
    });

    public async IAsyncEnumerable<IReadOnlyList<StripeEvent>> ListEventsAsync(
        DateTimeOffset since,
        IReadOnlyList<string> types,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var found = await Answer(
            () => Events.Where(stored => stored.Created >= since && types.Contains(stored.Type!))
                .OrderByDescending(stored => stored.Created)
                .ToList());
        foreach (var page in found.Chunk(2))
            yield return page;
    }

    /// <summary>What a restricted key may not do.</summary>
    public List<string> MissingPermissions { get; } = [];

    public Task<IReadOnlyList<string>> ListMissingPermissionsAsync(CancellationToken cancellationToken) =>
        Answer<IReadOnlyList<string>>(() => [.. MissingPermissions]);

    public async Task<TimeSpan?> MeasureSkewAsync(CancellationToken cancellationToken)
    {
        if (IsSilent)
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        return await Answer<TimeSpan?>(() => Skew);
    }

    private Task<IReadOnlyList<T>> ListOf<T>(string customerId, Func<IReadOnlyList<T>> make) => Answer(() =>
        !_forgotten.Contains(customerId)
            ? make()
            : throw new StripeException($"No such customer: '{customerId}'")
            {
                Status = 400, Code = "resource_missing", Param = "customer",
            });

    private string Id(string prefix) => string.Create(CultureInfo.InvariantCulture, $"{prefix}_{++_count}");

    private Task<T> OnceAsync<T>(string key, Func<T> make)
        where T : class => Answer(() =>
    {
        if (!_answers.TryGetValue(key, out var answer))
        {
            answer = make();
            _answers[key] = answer = _failingCreations-- > 0
                ? new StripeException("Stripe answered 500: try again") { Status = 500, Type = "api_error" }
                : answer;
        }

        return answer as T ?? throw (StripeException)answer;
    });

    private async Task<T> Answer<T>(Func<T> make)
    {
        await Task.Yield();
        if (Interlocked.Decrement(ref _failures) >= 0)
            throw new StripeException("Stripe cannot be reached.");
        lock (_gate)
            return make();
    }
}
