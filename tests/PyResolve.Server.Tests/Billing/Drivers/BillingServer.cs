using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Webhooks;

namespace PyResolve.Server.Tests.Billing;

/// <summary>A server with a Stripe in memory, and accounts with their customers.</summary>
internal sealed class BillingServer : IAsyncDisposable
{
    public const string WebhookSecret = "whsec_test_one";

    private static int _events;

    private BillingServer(OwnServer own, StripeDouble stripe)
    {
        Own = own;
        Stripe = stripe;
    }

    public static IReadOnlyDictionary<string, string?> Settings { get; } = new Dictionary<string, string?>
    {
        ["STRIPE_SECRET_KEY"] = "sk_test_double",
        ["STRIPE_WEBHOOK_SECRET"] = WebhookSecret,
        ["STRIPE_PRICE_PRO"] = "price_pro",
        ["STRIPE_PRICE_UNLIMITED"] = "price_unlimited",
    };

    public OwnServer Own { get; }

    public StripeDouble Stripe { get; }

    public TestClock Clock => Own.Clock;

    public TestStore Store => Own.Store;

    public static async Task<BillingServer> StartAsync(
        StorageEngine engine, PostgresFixture postgres, StripeDouble? stripe = null, IReadOnlyDictionary<string, string?>? settings = null,
        LogRecorder? log = null)
    {
        stripe ??= new StripeDouble();
        var all = new Dictionary<string, string?>(Settings);
        foreach (var (name, value) in settings ?? new Dictionary<string, string?>())
            all[name] = value;
        if (log is not null)
            all[LogRecorder.Level.Key] = LogRecorder.Level.Value;
        return new BillingServer(await OwnServer.StartAsync(engine, postgres, settings: all, replace: Replace), stripe);

        void Replace(IServiceCollection services)
        {
            Use(stripe, services);
            if (log is not null)
                services.AddSingleton<ILoggerProvider>(log);
        }
    }

    public static void Use(StripeDouble stripe, IServiceCollection services) =>
        services.Replace(ServiceDescriptor.Singleton<IStripeGateway>(stripe));

    /// <summary>An account with a customer, as after its first checkout.</summary>
    public async Task<Subscriber> SignUpAsync(string? email = null, string plan = "pro") =>
        await Subscriber.CreateAsync(await Own.SignUpAsync(email), Clock, Stripe, Own.Server, plan);

    public T Service<T>()
        where T : notnull => Own.Server.Services.GetRequiredService<T>();

    /// <summary>Moves the clock, and has the worker of the inbox look at once. By itself it does every four seconds of real time.</summary>
    public void Jump(TimeSpan amount)
    {
        Clock.Jump(amount);
        Service<Inbox>().Arrivals.Set();
    }

    public ValueTask DisposeAsync() => Own.DisposeAsync();

    /// <summary>Returns from Stripe's pages, as the browser does.</summary>
    public static async Task<Answer> ReturnFromStripeAsync(TestServer server, TestStore store, string customerId, string from = "portal")
    {
        var token = await store.ReadSqlAsync($"select return_token from billing_customers where customer_id = '{customerId}'");
        return await server.Anonymous.GetAsync($"/billing/return?from={from}&customer={token}");
    }

    /// <summary>Waits until a query returns the expected number.</summary>
    public Task<TimeSpan> WaitForCountAsync(string sql, long expected) =>
        Eventually.IsTrueAsync(async () => await Store.ReadNumberAsync(sql) == expected, what: $"{sql} = {expected}");

    /// <summary>Waits until every event has been processed.</summary>
    public Task<TimeSpan> WaitUntilProcessedAsync(string? customerId = null) => WaitForCountAsync(
        "select count(*) from stripe_events where state = 'pending'" + (customerId is null ? "" : $" and customer_id = '{customerId}'"), 0);

    public static string NextEventId() => $"evt_{Interlocked.Increment(ref _events)}";

    /// <summary>An event about a customer's subscription. Its data are wrong, because the server must read the state from Stripe.</summary>
    public static string Event(string customerId, string type = "customer.subscription.updated", string? id = null) =>
        JsonSerializer.Serialize(new
    {
        id = id ?? NextEventId(),
        @object = "event",
        type,
        livemode = false,
        created = 1_763_208_000,
        data = new
        {
            @object = new
            {
                id = "sub_1",
                @object = type.StartsWith("customer.subscription", StringComparison.Ordinal) ? "subscription" : "other",
                customer = customerId,
                status = "active",
            },
        },
    });

    /// <summary>Sends a body as Stripe would.</summary>
    public static Task<Answer> DeliverAsync(
        TestServer server, string body, string secret = WebhookSecret, DateTimeOffset? signedAt = null) =>
        DeliverAsync(server.Http, body, signedAt ?? server.Clock.GetUtcNow(), secret);

    public static Task<Answer> DeliverAsync(HttpClient http, string body, DateTimeOffset signedAt, string secret = WebhookSecret) =>
        new Caller(http).SendAsync(
        HttpMethod.Post, "/webhooks/stripe", body, [("Stripe-Signature", BillingSigner.Header(body, secret, signedAt))]);

    public Task<Answer> DeliverAsync(string body) => DeliverAsync(Own.Server, body);
}

/// <summary>An account and its customer at Stripe.</summary>
internal sealed record Subscriber(TestAccount Account, string CustomerId, StripeDouble Stripe, TestServer Server)
{
    public static async Task<Subscriber> CreateAsync(
        TestAccount account, TestClock clock, StripeDouble stripe, TestServer server, string plan = "pro")
    {
        var checkout = await account.Key.PostAsync("/billing/checkout", new { plan });
        if (checkout.Status != 200)
            throw new InvalidOperationException($"Checkout was answered {checkout.Status}: {checkout.Text}");
        var customerId = stripe.Checkouts[^1].Customer!;
        return new Subscriber(account, stripe.Checkouts.Last(session => checkout["checkout_url"].GetString() == session.Url).Customer
            ?? customerId, stripe, server);
    }

    /// <summary>Sets the subscriptions at Stripe, and delivers an event.</summary>
    public async Task SetSubscriptionsAsync(params StripeSubscription[] subscriptions)
    {
        Stripe.Set(CustomerId, subscriptions);
        await SendEventAsync();
    }

    public async Task SendEventAsync(string type = "customer.subscription.updated")
    {
        var answer = await BillingServer.DeliverAsync(Server, BillingServer.Event(CustomerId, type));
        answer.Status.ShouldBe(200, answer.Text);
    }

    /// <summary>Deletes the account here; its customer stays at Stripe.</summary>
    public async Task DeleteAccountAsync()
    {
        var answer = await Account.Session.SendAsync(HttpMethod.Delete, "/auth/account", new { password = TestAccount.Password });
        answer.Status.ShouldBe(204, answer.Text);
    }

    public async Task<string?> PlanAsync() => (await Account.Key.GetAsync("/quota"))["plan"].GetString();

    public Task<TimeSpan> WaitForPlanAsync(string plan, TimeSpan? within = null) =>
        Eventually.IsTrueAsync(async () => await PlanAsync() == plan, within, what: $"plan {plan}");

    public async Task<JsonElement> SubscriptionAsync() => (await Account.Key.GetAsync("/billing/subscription")).Body;
}
