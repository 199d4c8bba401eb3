using System.Collections.Concurrent;
using PyResolve.Server.Billing.Stripe;

namespace PyResolve.Server.Tests.Billing;

/// <summary>The rules, one a row: what Stripe shows, one state after the other with an event each, and the plan that follows.</summary>
public sealed class StatusTableTests(StatusTableTests.Servers servers) : IClassFixture<StatusTableTests.Servers>
{
    private static readonly StripePrice OldPro = new("price_pro_of_last_year") { Product = "prod_pro" };
    private static readonly StripePrice ProByLookupKey = new("price_without_setting") { LookupKey = "pyresolve_pro" };
    private static readonly StripePrice Unknown = new("price_of_something_else") { Product = "prod_else" };
    private static readonly StripePrice Metered = Subscriptions.UnlimitedPrice with { Recurring = new("month", "metered") };

    private static readonly Dictionary<string, Rule> Rules = new Rule[]
    {
        new("no subscription", [[]], "free", Status: null),
        new("active", [[Subscriptions.Pro()]], "pro", "active"),
        new("active, the greater plan", [[Subscriptions.Unlimited()]], "unlimited", "active"),
        new("trialing", [[Subscriptions.Pro("trialing")]], "pro", "trialing"),
        new("incomplete", [[Subscriptions.Pro("incomplete")]], "free", "incomplete"),
        new("incomplete, then paid", [[Subscriptions.Pro("incomplete")], [Subscriptions.Pro()]], "pro", "active"),
        new("incomplete_expired", [[Subscriptions.Pro("incomplete_expired")]], "free", "incomplete_expired"),
        new("unpaid", [[Subscriptions.Pro()], [Subscriptions.Pro("unpaid")]], "free", "unpaid"),
        new("canceled", [[Subscriptions.Pro()], [Subscriptions.Pro("canceled")]], "free", "canceled"),
        new("paused", [[Subscriptions.Pro()], [Subscriptions.Pro("paused")]], "free", "paused"),
        new("past due keeps the plan in grace", [[Subscriptions.Pro()], [Subscriptions.Pro("past_due")]], "pro", "past_due", GraceDays: 7),
        new("past due from the start", [[Subscriptions.Pro("past_due")]], "pro", "past_due", GraceDays: 7),
        new("past due, then paid", [[Subscriptions.Pro("past_due")], [Subscriptions.Pro()]], "pro", "active"),
        new("upgrade", [[Subscriptions.Pro()], [Subscriptions.Unlimited()]], "unlimited", "active"),
        new("downgrade", [[Subscriptions.Unlimited()], [Subscriptions.Pro()]], "pro", "active"),
        new("cancelling by the flag", [[Subscriptions.Pro() with { CancelAtPeriodEnd = true }]], "pro", "active", Cancelling: true),
        new("cancelling by the date", [[Subscriptions.Pro() with { CancelAt = Subscriptions.PeriodEnd }]], "pro", "active", Cancelling: true),
        new("cancelling, then not", [[Subscriptions.Pro() with { CancelAt = Subscriptions.PeriodEnd }], [Subscriptions.Pro()]], "pro", "active"),
        new("cancelled at a date that has passed", [[Subscriptions.Pro() with { CancelAt = Subscriptions.PeriodEnd.AddDays(-60) }]], "free", "active", Cancelling: true),
        new("collection paused, invoices kept as drafts", [[Subscriptions.Pro() with { PauseCollection = new("keep_as_draft") }]], "pro", "active"),
        new("collection paused, invoices uncollectible", [[Subscriptions.Pro() with { PauseCollection = new("mark_uncollectible") }]], "pro", "active"),
        new("collection paused, invoices void, period not over", [[Subscriptions.Pro() with { PauseCollection = new("void") }]], "pro", "active"),
        new("a price known by its lookup key", [[Subscriptions.Of("sub_1", "active", ProByLookupKey)]], "pro", "active"),
        new("a price known by its product", [[Subscriptions.Of("sub_1", "active", OldPro)]], "pro", "active"),
        new("an unknown price grants nothing", [[Subscriptions.Of("sub_1", "active", Unknown)]], "free", "active", "unknown_price"),
        new("an unknown price keeps what the subscription had", [[Subscriptions.Pro()], [Subscriptions.Of("sub_1", "active", Unknown)]], "pro", "active", "unknown_price"),
        new("an unknown price of another subscription grants nothing", [[Subscriptions.Pro()], [Subscriptions.Pro("canceled"), Subscriptions.Of("sub_2", "active", Unknown)]],
            "free", "active", "unknown_price"),
        new("an unknown price does not hide the end", [[Subscriptions.Pro()], [Subscriptions.Of("sub_1", "canceled", Unknown)]], "free", "canceled"),
        new("several items, the greatest counts", [[Subscriptions.Of("sub_1", "active", Subscriptions.ProPrice, Subscriptions.UnlimitedPrice, Unknown)]], "unlimited", "active"),
        new("metered items are extras", [[Subscriptions.Of("sub_1", "active", Metered, Subscriptions.ProPrice)]], "pro", "active"),
        new("nothing but metered items", [[Subscriptions.Of("sub_1", "active", Metered)]], "free", "active", "unknown_price"),
        new("two in force, the greater plan counts", [[Subscriptions.Pro(id: "sub_1"), Subscriptions.Unlimited(id: "sub_2")]], "unlimited", "active", "duplicate_subscription"),
        new("an ended one beside a new one", [[Subscriptions.Unlimited("canceled", "sub_1"), Subscriptions.Pro(id: "sub_2")]], "pro", "active"),
        new("an unpaid one beside a paid one", [[Subscriptions.Unlimited("unpaid", "sub_1"), Subscriptions.Pro(id: "sub_2")]], "pro", "active"),
        new("a status of a newer version keeps what there was", [[Subscriptions.Pro()], [Subscriptions.Pro("resting")]], "pro", "resting", "unknown_status"),
        new("a status of a newer version grants nothing anew", [[Subscriptions.Pro("resting")]], "free", "resting", "unknown_status"),
        new("a period on the subscription, as older versions have it",
            [[Subscriptions.Pro() with { CurrentPeriodEnd = Subscriptions.PeriodEnd, Items = new([new StripeSubscriptionItem("si_0") { Price = Subscriptions.ProPrice }]) }]], "pro", "active"),
    }.ToDictionary(rule => rule.Name);

    public static TheoryData<StorageEngine, string> Cases { get; } =
        new(from engine in Enum.GetValues<StorageEngine>() from name in Rules.Keys select (engine, name));

    [Theory, MemberData(nameof(Cases))]
    public async Task What_Stripe_shows_sets_the_plan(StorageEngine engine, string name)
    {
        var rule = Rules[name];
        var billing = await servers.OnAsync(engine);
        var subscriber = await billing.SignUpAsync();

        foreach (var state in rule.States)
        {
            await subscriber.BecomesAsync(state);
            await billing.SettlesAsync(subscriber.CustomerId);
        }

        var subscription = await subscriber.SubscriptionAsync();
        subscription.GetProperty("plan").GetString().ShouldBe(rule.Plan);
        (await subscriber.PlanAsync()).ShouldBe(rule.Plan);
        subscription.GetProperty("status").GetString().ShouldBe(rule.Status);
        subscription.GetProperty("cancelling").GetBoolean().ShouldBe(rule.Cancelling);
        subscription.GetProperty("grace_ends_at").ValueKind.ShouldBe(rule.GraceDays is null ? System.Text.Json.JsonValueKind.Null : System.Text.Json.JsonValueKind.String);
        if (rule.GraceDays is { } days)
            subscription.GetProperty("grace_ends_at").GetDateTimeOffset().ShouldBe(billing.Clock.GetUtcNow().AddDays(days));
        if (rule.Status is not null)
            subscription.GetProperty("current_period_end").GetDateTimeOffset().ShouldBe(Subscriptions.PeriodEnd);
        (await billing.Store.ReadSqlAsync($"select flags from billing_customers where customer_id = '{subscriber.CustomerId}'")).ShouldBe(rule.Flags);
    }

    private sealed record Rule(
        string Name, StripeSubscription[][] States, string Plan, string? Status, string Flags = "", bool Cancelling = false, int? GraceDays = null);

    /// <summary>One server an engine for the whole table: every row has a customer of its own.</summary>
    public sealed class Servers(SharedServers shared) : IAsyncDisposable
    {
        private readonly ConcurrentDictionary<StorageEngine, Lazy<Task<BillingServer>>> _servers = new();

        internal Task<BillingServer> OnAsync(StorageEngine engine) => _servers.GetOrAdd(engine, key => new(() => StartAsync(key))).Value;

        public async ValueTask DisposeAsync()
        {
            foreach (var started in _servers.Values)
                await (await started.Value).DisposeAsync();
        }

        private Task<BillingServer> StartAsync(StorageEngine engine)
        {
            var stripe = new StripeDouble();
            stripe.Products.Add(new StripeProduct("prod_pro") { Metadata = new Dictionary<string, string> { ["plan"] = "pro" } });
            stripe.Products.Add(new StripeProduct("prod_else") { Metadata = new Dictionary<string, string> { ["plan"] = "enterprise" } });
            return BillingServer.StartAsync(engine, shared.Postgres, stripe);
        }
    }
}
