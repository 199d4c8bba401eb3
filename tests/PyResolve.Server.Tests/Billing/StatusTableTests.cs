using System.Collections.Concurrent;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Tests.Billing;

/// <summary>One rule per row: the states at Stripe in order, each with an event, and the resulting plan.</summary>
public sealed class StatusTableTests(StatusTableTests.Servers servers) : IClassFixture<StatusTableTests.Servers>
{
    private static readonly StripePrice OldPro = new("price_pro_of_last_year") { Product = "prod_pro" };
    private static readonly StripePrice ProByLookupKey = new("price_without_setting") { LookupKey = "pyresolve_pro" };
    private static readonly StripePrice Unknown = new("price_of_something_else") { Product = "prod_else" };
    private static readonly StripePrice Metered = Subscriptions.UnlimitedPrice with { Recurring = new("month", "metered") };
    private static readonly StripePrice MeteredExtra = OldPro with { Recurring = new("month", "metered") };

    private static readonly DateTimeOffset Now = Subscriptions.PeriodEnd.AddHours(-1);
    private static readonly DateTimeOffset LastPeriodEnd = Subscriptions.PeriodEnd.AddDays(-30);
    private static readonly DateTimeOffset NextPeriodEnd = Subscriptions.PeriodEnd.AddDays(30);
    private static readonly StripeSubscription Void = Subscriptions.Pro() with { PauseCollection = new("void") };

    private const string Waiting = """
        {"id":"sub_1","status":"active","created":1794744000,"pending_update":{"expires_at":1794830400,"subscription_items":[{"price":{"id":"price_unlimited"}}]},
         "items":{"data":[{"id":"si_1","price":{"id":"price_pro","recurring":{"interval":"month","usage_type":"licensed"}},"quantity":1,"current_period_end":1794747600}]}}
        """;

    private const string Scheduled = """
        {"id":"sub_1","status":"active","created":1794744000,"schedule":{"id":"sub_sched_1","phases":[{"items":[{"price":"price_unlimited"}]}]},"pending_update":null,
         "items":{"data":[{"id":"si_1","price":{"id":"price_pro","recurring":{"interval":"month","usage_type":"licensed"}},"quantity":1,"current_period_end":1794747600}]}}
        """;

    private static readonly Dictionary<string, Rule> Rules = new Rule[]
    {
        new("no subscription", [[]], "free", Status: null),
        new("active", [[Subscriptions.Pro()]], "pro", "active"),
        new("active, the greater plan", [[Subscriptions.Unlimited()]], "unlimited", "active"),
        new("active, of three seats", [[Subscriptions.Pro().Seats(3)]], "pro", "active", "needless_quantity", Seats: 3),
        new("active, then a seat more", [[Subscriptions.Pro().Seats(3)], [Subscriptions.Pro().Seats(4)]], "pro", "active",
            "needless_quantity", Seats: 4),
        new("trialing", [[Subscriptions.Pro("trialing")]], "pro", "trialing"),
        new("incomplete", [[Subscriptions.Pro("incomplete")]], "free", "incomplete"),
        new("incomplete, then paid", [[Subscriptions.Pro("incomplete")], [Subscriptions.Pro()]], "pro", "active"),
        new("incomplete_expired", [[Subscriptions.Pro("incomplete_expired")]], "free", "incomplete_expired"),
        new("unpaid", [[Subscriptions.Pro()], [Subscriptions.Pro("unpaid")]], "free", "unpaid"),
        new("canceled", [[Subscriptions.Pro()], [Subscriptions.Pro("canceled")]], "free", "canceled"),
        new("paused", [[Subscriptions.Pro()], [Subscriptions.Pro("paused")]], "free", "paused"),
        new("past due keeps the plan in grace", [[Subscriptions.Pro()], [Subscriptions.Pro("past_due")]], "pro", "past_due", GraceDays: 7),
        new("past due from the start", [[Subscriptions.Pro("past_due")]], "pro", "past_due", GraceDays: 7),
        new("past due, and the grace has run out", [[Subscriptions.Pro("past_due")]], "free", "past_due", GraceDays: -1, Days: 8),
        new("past due twice, and the grace still runs", [[Subscriptions.Pro("past_due")], [Subscriptions.Pro("past_due")]], "pro",
            "past_due", GraceDays: 7),
        new("past due, then paid", [[Subscriptions.Pro("past_due")], [Subscriptions.Pro()]], "pro", "active"),
        new("past due on a renewal has grace", [[Subscriptions.Pro()], [Subscriptions.Pro("past_due").Unpaid("subscription_cycle")]], "pro",
            "past_due", GraceDays: 7),
        new("past due on the first invoice, never paid, has no grace",
            [[Subscriptions.Pro()], [Subscriptions.Pro("past_due").Unpaid("subscription_create")]], "free", "past_due"),
        new("past due on the first invoice after a trial, never paid, has no grace",
            [[Trial("trialing", NextPeriodEnd)], [Trial("past_due", Now).Unpaid("subscription_cycle")]], "free", "past_due"),
        new("past due on a later invoice after a trial has grace",
            [[Trial("active", LastPeriodEnd)], [Trial("past_due", LastPeriodEnd).Unpaid("subscription_cycle")]], "unlimited", "past_due",
            GraceDays: 7),
        new("never paid, then paid",
            [[Subscriptions.Pro("past_due").Unpaid("subscription_create")], [Subscriptions.Pro()]], "pro", "active"),
        new("never paid, though a second invoice follows", [[Subscriptions.Pro("past_due").Unpaid("subscription_create")],
            [Subscriptions.Pro("past_due").Unpaid("subscription_cycle")]], "free", "past_due"),
        new("an upgrade whose payment failed leaves the plan before",
            [[Subscriptions.Pro()], [Subscriptions.Unlimited("past_due").Unpaid("subscription_update")]], "pro", "past_due", GraceDays: 7),
        new("an upgrade whose payment failed leaves the plan before, though a renewal fails after it",
            [[Subscriptions.Pro()], [Subscriptions.Unlimited("past_due").Unpaid("subscription_update")],
                [Subscriptions.Unlimited("past_due").Unpaid("subscription_cycle")]], "pro", "past_due", GraceDays: 7),
        new("an upgrade whose payment took days and failed leaves the plan before",
            [[Subscriptions.Pro()], [Subscriptions.Unlimited().Unpaid("subscription_update")],
                [Subscriptions.Unlimited("past_due").Unpaid("subscription_update")]], "pro", "past_due", GraceDays: 7),
        new("an upgrade whose payment failed, then paid",
            [[Subscriptions.Pro()], [Subscriptions.Unlimited("past_due").Unpaid("subscription_update")], [Subscriptions.Unlimited()]],
            "unlimited", "active"),
        new("a downgrade whose payment failed is a downgrade",
            [[Subscriptions.Unlimited()], [Subscriptions.Pro("past_due").Unpaid("subscription_update")]], "pro", "past_due", GraceDays: 7),
        new("upgrade", [[Subscriptions.Pro()], [Subscriptions.Unlimited()]], "unlimited", "active"),
        new("downgrade", [[Subscriptions.Unlimited()], [Subscriptions.Pro()]], "pro", "active"),
        new("cancelling by the flag", [[Subscriptions.Pro() with { CancelAtPeriodEnd = true }]], "pro", "active", Cancelling: true,
            Until: Subscriptions.PeriodEnd),
        new("cancelling by the date", [[Subscriptions.Pro() with { CancelAt = Subscriptions.PeriodEnd }]], "pro", "active",
            Cancelling: true, Until: Subscriptions.PeriodEnd),
        new("cancelling, then not", [[Subscriptions.Pro() with { CancelAt = Subscriptions.PeriodEnd }], [Subscriptions.Pro()]], "pro",
            "active"),
        new("cancelled at a date that has passed", [[Subscriptions.Pro() with { CancelAt = Subscriptions.PeriodEnd.AddDays(-60) }]],
            "free", "active", Cancelling: true),
        new("collection paused, invoices kept as drafts", [[Subscriptions.Pro() with { PauseCollection = new("keep_as_draft") }]], "pro",
            "active"),
        new("collection paused, invoices uncollectible", [[Subscriptions.Pro() with { PauseCollection = new("mark_uncollectible") }]],
            "pro", "active"),
        new("collection paused, invoices void, period not over", [[Subscriptions.Pro() with { PauseCollection = new("void") }]], "pro",
            "active", Until: Subscriptions.PeriodEnd),
        new("collection paused, invoices void, though periods go on", [[Void], [Void.Until(NextPeriodEnd)]], "pro", "active",
            Until: Subscriptions.PeriodEnd, PeriodEnd: NextPeriodEnd),
        new("collection paused, invoices void, period over", [[Void.Until(LastPeriodEnd)]], "free", "active", PeriodEnd: LastPeriodEnd),
        new("collection paused, invoices void, then not", [[Void], [Subscriptions.Pro()]], "pro", "active"),
        new("collection paused anew in a later period", [[Void], [Subscriptions.Pro()], [Void.Until(NextPeriodEnd)]], "pro", "active",
            Until: NextPeriodEnd, PeriodEnd: NextPeriodEnd),
        new("an upgrade that waits for its payment", [[Subscriptions.FromJson(Waiting)]], "pro", "active"),
        new("a schedule that continues with another plan", [[Subscriptions.FromJson(Scheduled)]], "pro", "active"),
        new("past due and cancelling, the earlier end counts", [[Subscriptions.Pro("past_due") with { CancelAtPeriodEnd = true }]], "pro",
            "past_due",
            Cancelling: true, GraceDays: 7, Until: Subscriptions.PeriodEnd),
        new("the larger of two ends, the other continues",
            [[Subscriptions.Pro(id: "sub_1"), Subscriptions.Unlimited(id: "sub_2") with { CancelAt = Subscriptions.PeriodEnd }]],
            "unlimited", "active", "duplicate_subscription", Cancelling: true, Until: Subscriptions.PeriodEnd, Then: "pro"),
        new("both of two end", [[Subscriptions.Pro(id: "sub_1") with { CancelAtPeriodEnd = true },
            Subscriptions.Unlimited(id: "sub_2") with { CancelAt = Subscriptions.PeriodEnd }]],
            "unlimited", "active", "duplicate_subscription", Cancelling: true, Until: Subscriptions.PeriodEnd),
        new("the customer is deleted", [[Subscriptions.Pro()], null], "free", Status: null),
        new("an event of the other mode", [[Subscriptions.Pro()]], "free", Status: null,
            Event: static customer =>
                BillingServer.Event(customer).Replace("\"livemode\":false", "\"livemode\":true", StringComparison.Ordinal)),
        new("a checkout that sells no subscription", [[Subscriptions.Pro()]], "free", Status: null,
            Event: static customer => BillingServer.Event(customer, "checkout.session.completed")
                .Replace("\"object\":\"other\"", "\"object\":\"checkout.session\",\"mode\":\"payment\"", StringComparison.Ordinal)),
        new("an event that comes twice", [[Subscriptions.Pro()], [Subscriptions.Unlimited()]], "unlimited", "active", Deliveries: 2),
        new("a refund asks for nothing but a look", [[Subscriptions.Pro()]], "free", Status: null, Event: static customer =>
            BillingServer.Event(customer, "charge.refunded")),
        new("a dispute that takes the money, where that ends plans", [[Subscriptions.Pro()]], "free", "active", "disputed",
            Dispute: "needs_response"),
        new("a dispute that is won, where disputes end plans", [[Subscriptions.Pro()]], "pro", "active", Dispute: "won"),
        new("an operator's plan is not lowered by the end of another", [[Subscriptions.Pro()], [Subscriptions.Pro("canceled")]],
            "enterprise", "canceled", Then: "enterprise", Override: "enterprise"),
        new("an operator's plan is not lowered by a smaller one", [[Subscriptions.Pro()]], "enterprise", "active", Then: "enterprise",
            Override: "enterprise"),
        new("an event written by an old API version", [[Subscriptions.Pro()]], "pro", "active",
            Event: static customer => BillingServer.Event(customer)
                .Replace("\"object\":\"event\"", "\"object\":\"event\",\"api_version\":\"2020-08-27\"", StringComparison.Ordinal)),
        new("an event of a type that is nothing to us", [[Subscriptions.Pro()]], "free", Status: null, Event: static customer =>
            BillingServer.Event(customer, "product.created")),
        new("an event of a type that Stripe may add", [[Subscriptions.Pro()]], "pro", "active", Event: static customer =>
            BillingServer.Event(customer, "customer.subscription.rested")),
        new("a payment by bank that arrived", [[Subscriptions.Pro()]], "pro", "active",
            Event: static customer => BillingServer.Event(customer, "checkout.session.async_payment_succeeded")),
        new("a payment by bank that failed", [[Subscriptions.Pro("incomplete")], [Subscriptions.Pro("incomplete_expired")]], "free",
            "incomplete_expired",
            Event: static customer => BillingServer.Event(customer, "checkout.session.async_payment_failed")),
        new("a checkout paid, and the payment still to come", [[Subscriptions.Pro("incomplete")]], "free", "incomplete",
            Event: static customer => BillingServer.Event(customer, "checkout.session.completed")),
        new("a price known by its lookup key", [[Subscriptions.Of("sub_1", "active", ProByLookupKey)]], "pro", "active"),
        new("a price known by its product", [[Subscriptions.Of("sub_1", "active", OldPro)]], "pro", "active"),
        new("an unknown price grants nothing", [[Subscriptions.Of("sub_1", "active", Unknown)]], "free", Status: null, "unknown_price"),
        new("an unknown price that is past due is nothing to us", [[Subscriptions.Of("sub_1", "past_due", Unknown)]], "free", Status: null,
            "unknown_price"),
        new("an unknown price keeps what the subscription had", [[Subscriptions.Pro()], [Subscriptions.Of("sub_1", "active", Unknown)]],
            "pro", "active", "unknown_price", Until: Now.AddDays(30)),
        new("an unknown price keeps what the subscription had, though not for ever",
            [[Subscriptions.Pro()], [Subscriptions.Of("sub_1", "active", Unknown)]], "free", "active", "unknown_price", Days: 31),
        new("an unknown price, then a known one again",
            [[Subscriptions.Pro()], [Subscriptions.Of("sub_1", "active", Unknown)], [Subscriptions.Pro()]], "pro", "active"),
        new("an unknown price after one that was never paid grants nothing",
            [[Subscriptions.Pro("incomplete")], [Subscriptions.Of("sub_1", "active", Unknown)]],
            "free", Status: null, "unknown_price"),
        new("an unknown price of another subscription grants nothing",
            [[Subscriptions.Pro()], [Subscriptions.Pro("canceled"), Subscriptions.Of("sub_2", "active", Unknown)]],
            "free", "canceled", "unknown_price"),
        new("an ended subscription stays the one that is shown",
            [[Subscriptions.Of("sub_1", "active", OldPro)], [Subscriptions.Of("sub_1", "canceled", OldPro)],
                [Subscriptions.Of("sub_1", "canceled", OldPro)]], "free", "canceled"),
        new("an unknown price does not hide the end", [[Subscriptions.Pro()], [Subscriptions.Of("sub_1", "canceled", Unknown)]], "free",
            "canceled"),
        new("several items, the greatest counts",
            [[Subscriptions.Of("sub_1", "active", Subscriptions.ProPrice, Subscriptions.UnlimitedPrice, Unknown)]], "unlimited", "active"),
        new("metered items are extras", [[Subscriptions.Of("sub_1", "active", MeteredExtra, Subscriptions.UnlimitedPrice)]], "unlimited",
            "active"),
        new("nothing but metered extras", [[Subscriptions.Of("sub_1", "active", MeteredExtra)]], "free", Status: null, "unknown_price"),
        new("a metered price that was replaced, and names its plan itself",
            [[Subscriptions.Of("sub_1", "active", MeteredExtra with { Product = "prod_else", Plan = "pro" })]], "pro", "active"),
        new("a plan that is sold by a metered price", [[Subscriptions.Of("sub_1", "active", Metered)]], "unlimited", "active"),
        new("another business of the customer's beside the plan is no duplicate",
            [[Subscriptions.Pro(id: "sub_1"), Subscriptions.Of("sub_2", "active", Unknown)]], "pro", "active"),
        new("another business of the customer's is not shown in the plan's place",
            [[Subscriptions.Pro("unpaid", "sub_1"), Subscriptions.Of("sub_2", "active", Unknown)]], "free", "unpaid"),
        new("two in force, the greater plan counts", [[Subscriptions.Pro(id: "sub_1"), Subscriptions.Unlimited(id: "sub_2")]], "unlimited",
            "active", "duplicate_subscription"),
        new("an ended one beside a new one", [[Subscriptions.Unlimited("canceled", "sub_1"), Subscriptions.Pro(id: "sub_2")]], "pro",
            "active"),
        new("an unpaid one beside a paid one", [[Subscriptions.Unlimited("unpaid", "sub_1"), Subscriptions.Pro(id: "sub_2")]], "pro",
            "active"),
        new("a status of a newer version keeps what there was", [[Subscriptions.Pro()], [Subscriptions.Pro("resting")]], "pro", "resting",
            "unknown_status"),
        new("a status of a newer version grants nothing anew", [[Subscriptions.Pro("resting")]], "free", "resting", "unknown_status"),
        new("a period on the subscription, as older versions have it",
            [[Subscriptions.Pro() with { CurrentPeriodEnd = Subscriptions.PeriodEnd,
                Items = new([new StripeSubscriptionItem("si_0") { Price = Subscriptions.ProPrice }]) }]], "pro", "active", Seats: 0),
    }.ToDictionary(rule => rule.Name);

    public static TheoryData<StorageEngine, string> Cases { get; } =
        new(from engine in StorageEngines.Both from name in Rules.Keys select (engine, name));

    [Theory, MemberData(nameof(Cases))]
    public async Task The_state_at_Stripe_determines_the_plan(StorageEngine engine, string name)
    {
        var rule = Rules[name];
        var billing = await servers.OnAsync(engine, rule.Days > 0, rule.Dispute is not null);
        var subscriber = await billing.SignUpAsync();
        await ArrangeAsync(billing, subscriber, rule);

        foreach (var state in rule.States)
        {
            if (state is null)
                billing.Stripe.Delete(subscriber.CustomerId);
            else
                billing.Stripe.Set(subscriber.CustomerId, state);
            var body = rule.Event?.Invoke(subscriber.CustomerId) ?? BillingServer.Event(subscriber.CustomerId);
            for (var delivery = 0; delivery < rule.Deliveries; delivery++)
                (await billing.DeliverAsync(body)).Status.ShouldBe(200);
            await billing.WaitUntilProcessedAsync(subscriber.CustomerId);
        }

        if (rule.Days > 0)
        {
            billing.Clock.Jump(TimeSpan.FromDays(rule.Days));
            await billing.WaitForCountAsync(
                $"select count(*) from profiles where id = '{subscriber.Account.UserId}' and plan_until is null", 1);
        }

        var subscription = await subscriber.SubscriptionAsync();
        subscription.GetProperty("plan").GetString().ShouldBe(rule.Plan);
        (await subscriber.PlanAsync()).ShouldBe(rule.Plan);
        subscription.GetProperty("status").GetString().ShouldBe(rule.Status);
        subscription.GetProperty("cancelling").GetBoolean().ShouldBe(rule.Cancelling);
        subscription.GetProperty("grace_ends_at").ValueKind.ShouldBe(
            rule.GraceDays is null ? System.Text.Json.JsonValueKind.Null : System.Text.Json.JsonValueKind.String);
        if (rule.GraceDays is { } days)
            subscription.GetProperty("grace_ends_at").GetDateTimeOffset().ShouldBe(billing.Clock.GetUtcNow().AddDays(days));
        if (rule.Status is not null)
            subscription.GetProperty("current_period_end").GetDateTimeOffset().ShouldBe(rule.PeriodEnd ?? Subscriptions.PeriodEnd);
        if (rule.Status is not null)
            subscription.GetProperty("quantity").ToString().ShouldBe(rule.Seats is 0 ? "" : $"{rule.Seats ?? 1}");
        (await billing.Store.ReadSqlAsync($"select flags from billing_customers where customer_id = '{subscriber.CustomerId}'"))
            .ShouldBe(rule.Flags);
        var profile = await billing.Service<BillingCustomers>()
            .FindProfileAsync(subscriber.Account.UserId, TestContext.Current.CancellationToken);
        profile.ShouldBe(new ProfilePlan(
            rule.Plan, rule.Until ?? (rule.GraceDays is > 0 and var grace ? billing.Clock.GetUtcNow().AddDays(grace) : null), rule.Then,
                Origin(rule), rule.Override));
    }

    /// <summary>The Stripe that granted the plan; none if an operator set it.</summary>
    private static string? Origin(Rule rule) => rule.Plan == "free" || rule.Plan == rule.Override ? null : "test";

    private static async Task ArrangeAsync(BillingServer billing, Subscriber subscriber, Rule rule)
    {
        if (rule.Override is { } plan)
            await billing.Service<PlanOverrides>().SetAsync(
                subscriber.Account.UserId,
                plan,
                until: null,
                PyResolve.Server.Audit.Origin.Operator,
                TestContext.Current.CancellationToken);
        if (rule.Dispute is { } dispute)
        {
            var charge = new StripeCharge($"ch_of_{subscriber.CustomerId}") { Customer = subscriber.CustomerId, Disputed = true };
            billing.Stripe.Charges.Add(charge);
            // The Stripe in memory has the same disputes for every customer.
            billing.Stripe.Disputes.Clear();
            billing.Stripe.Disputes.Add(new StripeDispute("dp_1")
            {
                Status = dispute,
                Created = billing.Clock.GetUtcNow().AddHours(1),
                Subscription = Subscriptions.Pro().Id,
            });
        }
    }

    /// <summary>An unlimited plan with a trial until an instant, in that trial or in a period after it.</summary>
    private static StripeSubscription Trial(string status, DateTimeOffset trialEnd) =>
        (Subscriptions.Unlimited(status) with { TrialEnd = trialEnd }).From(trialEnd > Now ? Now.AddDays(-1) : Now);

    /// <param name="States">The states at Stripe in order; <see langword="null"/> if the customer was deleted.</param>
    /// <param name="GraceDays">From now to the end of the grace, if there is one.</param>
    /// <param name="Until">When the plan ends by itself; default the end of the grace, if any.</param>
    /// <param name="Then">The plan after that.</param>
    /// <param name="Event">The event of each state; default an update of the subscription.</param>
    /// <param name="Deliveries">How often each event is delivered.</param>
    /// <param name="Days">How many days pass after that.</param>
    /// <param name="Override">The plan that an operator set before.</param>
    /// <param name="Dispute">The status of a dispute, if disputes are configured to end plans.</param>
    private sealed record Rule(
        string Name, StripeSubscription[]?[] States, string Plan, string? Status, string Flags = "", bool Cancelling = false,
        int? GraceDays = null, DateTimeOffset? Until = null, string Then = "free", DateTimeOffset? PeriodEnd = null,
        Func<string, string>? Event = null, int? Seats = null,
        int Deliveries = 1, int Days = 0, string? Override = null, string? Dispute = null);

    /// <summary>One server per engine for almost the whole table; every row has its own customer.</summary>
    public sealed class Servers(SharedServers shared) : IAsyncDisposable
    {
        private readonly ConcurrentDictionary<(StorageEngine Engine, bool Jumps, bool DisputesEndPlans), Lazy<Task<BillingServer>>>
            _servers = new();

        /// <param name="engine">The engine.</param>
        /// <param name="jumps">Whether the row moves the clock, which all rows on a server share.</param>
        /// <param name="disputesEndPlans">Whether a dispute ends a plan.</param>
        internal Task<BillingServer> OnAsync(StorageEngine engine, bool jumps, bool disputesEndPlans) =>
            _servers.GetOrAdd((engine, jumps, disputesEndPlans), key => new(() => StartAsync(key.Engine, key.DisputesEndPlans))).Value;

        public async ValueTask DisposeAsync()
        {
            foreach (var started in _servers.Values)
                await (await started.Value).DisposeAsync();
        }

        private Task<BillingServer> StartAsync(StorageEngine engine, bool disputesEndPlans)
        {
            var stripe = new StripeDouble();
            stripe.Products.Add(new StripeProduct("prod_pro") { Metadata = new Dictionary<string, string> { ["plan"] = "pro" } });
            stripe.Products.Add(new StripeProduct("prod_else") { Metadata = new Dictionary<string, string> { ["plan"] = "gold" } });
            return BillingServer.StartAsync(
                engine, shared.Postgres, stripe,
                    new Dictionary<string, string?> { ["PyResolve:Stripe:DisputeEndsPlan"] = disputesEndPlans ? "true" : "false" });
        }
    }
}
