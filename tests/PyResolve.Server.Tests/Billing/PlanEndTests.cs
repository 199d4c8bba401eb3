using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Audit;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Billing.Webhooks;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Tests.Billing;

/// <summary>
/// A plan ends when its time is up, with or without an event, and plans set by an operator or by another Stripe are respected.
/// </summary>
public sealed class PlanEndTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task Grace_ends_after_seven_days_even_if_no_event_arrives(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro("past_due"));
        await subscriber.WaitForPlanAsync("pro");
        billing.Stripe.FailNext(int.MaxValue);

        billing.Clock.Jump(TimeSpan.FromDays(7) - TimeSpan.FromSeconds(1));
        (await subscriber.PlanAsync()).ShouldBe("pro");
        billing.Clock.Jump(TimeSpan.FromSeconds(1));

        // At once, before anything has been swept.
        (await subscriber.PlanAsync()).ShouldBe("free");
        (await subscriber.Account.ReserveAsync(tier: "tier2")).Code.ShouldBe("llm_not_allowed");
        await billing.WaitForCountAsync("select count(*) from profiles where plan = 'free' and plan_until is null", 1);
    }

    [Theory, OnBothEngines]
    public async Task Grace_begins_once_and_later_events_do_not_extend_it(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro("past_due"));
        await billing.WaitUntilProcessedAsync();
        var ends = (await subscriber.SubscriptionAsync()).GetProperty("grace_ends_at").GetDateTimeOffset();

        for (var day = 1; day <= 3; day++)
        {
            billing.Clock.Jump(TimeSpan.FromDays(1));
            await subscriber.SendEventAsync("invoice.payment_failed");
            await billing.WaitUntilProcessedAsync();
        }

        (await subscriber.SubscriptionAsync()).GetProperty("grace_ends_at").GetDateTimeOffset().ShouldBe(ends);
        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro());
        await billing.WaitUntilProcessedAsync();
        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro("past_due"));
        await billing.WaitUntilProcessedAsync();
        (await subscriber.SubscriptionAsync()).GetProperty("grace_ends_at").GetDateTimeOffset().ShouldBe(ends.AddDays(3));
    }

    [Theory, OnBothEngines]
    public async Task Two_past_due_subscriptions_have_one_grace_period_each_and_it_ends(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro("past_due", "sub_1"), Subscriptions.Unlimited("past_due", "sub_2"));
        await subscriber.WaitForPlanAsync("unlimited");

        foreach (var days in (int[])[7, 1, 7])
        {
            billing.Clock.Jump(TimeSpan.FromDays(days));
            await subscriber.SendEventAsync("invoice.payment_failed");
            await billing.WaitUntilProcessedAsync();
            (await subscriber.PlanAsync()).ShouldBe("free");
        }

        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro("past_due", "sub_1"), Subscriptions.Unlimited("active", "sub_2"));
        await subscriber.WaitForPlanAsync("unlimited");
    }

    [Theory, OnBothEngines]
    public async Task Voided_invoices_end_the_plan_with_the_period_and_not_with_a_later_one(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        var (paused, next) = (Subscriptions.Pro() with { PauseCollection = new("void") }, Subscriptions.PeriodEnd.AddDays(30));
        await subscriber.SetSubscriptionsAsync(paused);
        await subscriber.WaitForPlanAsync("pro");

        billing.Clock.SetUtcNow(Subscriptions.PeriodEnd);
        await subscriber.SetSubscriptionsAsync(paused.Until(next));
        await billing.WaitUntilProcessedAsync();
        (await subscriber.PlanAsync()).ShouldBe("free");

        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro().Until(next));
        await subscriber.WaitForPlanAsync("pro");
        await subscriber.SetSubscriptionsAsync(paused.Until(next));
        await billing.WaitUntilProcessedAsync();
        (await subscriber.PlanAsync()).ShouldBe("pro");
    }

    [Theory, OnBothEngines]
    public async Task A_cancelled_plan_ends_with_its_period_even_if_no_event_arrives(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        await subscriber.SetSubscriptionsAsync(Subscriptions.Unlimited() with { CancelAtPeriodEnd = true });
        await subscriber.WaitForPlanAsync("unlimited");
        billing.Stripe.FailNext(int.MaxValue);

        billing.Clock.SetUtcNow(Subscriptions.PeriodEnd);

        (await subscriber.PlanAsync()).ShouldBe("free");
    }

    [Theory, OnBothEngines]
    public async Task When_the_larger_of_two_plans_ends_the_other_one_counts(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        await subscriber.SetSubscriptionsAsync(
            Subscriptions.Pro(id: "sub_1"), Subscriptions.Unlimited(id: "sub_2") with { CancelAt = Subscriptions.PeriodEnd });
        await subscriber.WaitForPlanAsync("unlimited");

        billing.Clock.SetUtcNow(Subscriptions.PeriodEnd);

        (await subscriber.PlanAsync()).ShouldBe("pro");
    }

    [Theory, OnBothEngines]
    public async Task A_plan_set_by_an_operator_is_never_lowered(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync("ada@example.com");
        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro());
        await subscriber.WaitForPlanAsync("pro");
        var overrides = billing.Service<PlanOverrides>();
        var cancellation = TestContext.Current.CancellationToken;

        (await overrides.SetAsync(subscriber.Account.UserId, "enterprise", until: null, Origin.Operator, cancellation))
            .ShouldBe("enterprise");
        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro("canceled"));
        await billing.WaitUntilProcessedAsync();
        (await subscriber.PlanAsync()).ShouldBe("enterprise");

        (await overrides.SetAsync(subscriber.Account.UserId, "pro", until: null, Origin.Operator, cancellation)).ShouldBe("pro");
        await subscriber.SetSubscriptionsAsync(Subscriptions.Unlimited() with { CancelAt = Subscriptions.PeriodEnd });
        await subscriber.WaitForPlanAsync("unlimited");
        billing.Clock.SetUtcNow(Subscriptions.PeriodEnd);
        (await subscriber.PlanAsync()).ShouldBe("pro");
        (await overrides.SetAsync(subscriber.Account.UserId, "free", until: null, Origin.Operator, cancellation)).ShouldBe("free");
    }

    [Theory, OnBothEngines]
    public async Task A_plan_that_an_operator_set_until_a_day_ends_then_exactly_once_on_two_instances(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        await using var second = await TestServer.StartAsync(own.Store, clock: own.Clock);
        TestAccount[] accounts = [await own.SignUpAsync(), await own.SignUpAsync()];
        string[] plans = ["pro", "enterprise"];
        var until = own.Clock.GetUtcNow().AddDays(3);
        foreach (var (account, plan) in accounts.Zip(plans))
            await SetAsync(own.Server, account, plan, until);

        own.Clock.Jump(TimeSpan.FromDays(3) - TimeSpan.FromSeconds(1));
        foreach (var (account, plan) in accounts.Zip(plans))
            (await PlanOnAsync(account, second)).ShouldBe(plan);
        own.Clock.Jump(TimeSpan.FromSeconds(1));

        foreach (var account in accounts)
            (await PlanOnAsync(account, own.Server), await PlanOnAsync(account, second)).ShouldBe(("free", "free"));
        // Both at once, and again: what has ended does not end a second time.
        for (var sweep = 0; sweep < 2; sweep++)
            await Task.WhenAll(SweepAsync(own.Server), SweepAsync(second));
        (await own.Store.ReadNumberAsync("select count(*) from profiles where plan_override is not null")).ShouldBe(0);
        (await own.Store.ReadNumberAsync("select count(*) from audit_log where actor = 'clock' and target = 'free'")).ShouldBe(2);
    }

    [Theory, OnBothEngines]
    public async Task A_sweep_tells_when_the_next_plan_ends(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var now = own.Clock.GetUtcNow();
        (await SweepAsync(own.Server)).ShouldBeNull();
        foreach (var days in (int[])[5, 3])
            await SetAsync(own.Server, await own.SignUpAsync(), "pro", now.AddDays(days));

        (await SweepAsync(own.Server)).ShouldBe(now.AddDays(3));
        own.Clock.Jump(TimeSpan.FromDays(3));
        // The server itself may have ended it before.
        await Eventually.IsTrueAsync(
            async () => await SweepAsync(own.Server) == now.AddDays(5), cancellationToken: TestContext.Current.CancellationToken);

        (await own.Store.ReadNumberAsync("select count(*) from profiles where plan = 'free'")).ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task What_a_subscription_gives_is_there_again_when_the_operators_plan_ends(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro().Until(Subscriptions.PeriodEnd.AddDays(60)));
        await subscriber.WaitForPlanAsync("pro");

        var until = billing.Clock.GetUtcNow().AddDays(2);
        await SetAsync(billing.Own.Server, subscriber.Account, "unlimited", until);
        await subscriber.SendEventAsync("invoice.paid");
        await billing.WaitUntilProcessedAsync();
        (await subscriber.PlanAsync()).ShouldBe("unlimited");
        billing.Clock.SetUtcNow(until);

        (await subscriber.PlanAsync()).ShouldBe("pro");
        await billing.WaitForCountAsync(
            "select count(*) from profiles where plan = 'pro' and plan_override is null and plan_until is null", 1);
        await subscriber.SendEventAsync("invoice.paid");
        await billing.WaitUntilProcessedAsync();
        (await subscriber.PlanAsync()).ShouldBe("pro");
    }

    [Theory]
    // What is granted by subscription, until day; by the operator, until day; the plan, until day, then.
    [InlineData("free", null, "pro", 5, "pro", 5, "free")]
    [InlineData("pro", null, "unlimited", 5, "unlimited", 5, "pro")]
    [InlineData("pro", 3, "unlimited", 5, "unlimited", 5, "free")]
    [InlineData("pro", 9, "unlimited", 5, "unlimited", 5, "pro")]
    [InlineData("unlimited", 3, "pro", 5, "unlimited", 3, "pro")]
    [InlineData("unlimited", 9, "pro", 5, "unlimited", 9, "free")]
    [InlineData("unlimited", null, "pro", 5, "unlimited", null, "pro")]
    [InlineData("pro", null, "pro", 5, "pro", null, "pro")]
    [InlineData("pro", 3, "pro", 5, "pro", 5, "free")]
    [InlineData("pro", 3, "pro", null, "pro", null, "pro")]
    [InlineData("unlimited", 3, "pro", null, "unlimited", 3, "pro")]
    public void The_greater_plan_counts_and_then_what_is_left(
        string paid, int? paidDays, string set, int? setDays, string plan, int? days, string then)
    {
        var start = new DateTimeOffset(2026, 11, 1, 0, 0, 0, TimeSpan.Zero);
        DateTimeOffset? Day(int? number) => number is { } value ? start.AddDays(value) : null;

        var state = new BillingState { Plan = paid, PlanUntil = Day(paidDays) };
        var granted = ProfilePlan.FromState(state, set, Day(setDays), "live", DefaultPlans);

        (granted.Plan, granted.Until, granted.Then).ShouldBe((plan, Day(days), then));
    }

    private static PlanCatalog DefaultPlans { get; } = new(new ConfigurationBuilder().Build());

    [Theory, OnBothEngines]
    public async Task An_operator_without_the_Stripe_key_cannot_lower_a_paid_plan(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync("ada@example.com");
        await subscriber.SetSubscriptionsAsync(Subscriptions.Unlimited());
        await subscriber.WaitForPlanAsync("unlimited");
        await billing.Own.Server.DisposeAsync();
        var cancellation = TestContext.Current.CancellationToken;

        await using var without =
            await TestServer.StartAsync(billing.Store, new Dictionary<string, string?> { ["environment"] = "Production" }, billing.Clock);
        var overrides = without.Services.GetRequiredService<PlanOverrides>();

        (await overrides.SetAsync(subscriber.Account.UserId, "pro", until: null, Origin.Operator, cancellation)).ShouldBe("unlimited");
        (await overrides.SetAsync(subscriber.Account.UserId, "enterprise", until: null, Origin.Operator, cancellation))
            .ShouldBe("enterprise");
        (await overrides.SetAsync(subscriber.Account.UserId, "free", until: null, Origin.Operator, cancellation)).ShouldBe("unlimited");
        (await billing.Store.ReadSqlAsync("select plan_origin from profiles")).ShouldBe("test");
    }

    [Theory, OnBothEngines]
    public async Task An_enterprise_plan_set_by_SQL_is_never_lowered(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro() with { CancelAt = Subscriptions.PeriodEnd });
        await subscriber.WaitForPlanAsync("pro");
        await billing.Store.ExecuteSqlAsync("update profiles set plan = 'enterprise'");

        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro("canceled"));
        await billing.WaitUntilProcessedAsync();
        billing.Clock.Jump(TimeSpan.FromHours(1));

        (await subscriber.PlanAsync()).ShouldBe("enterprise");
    }

    [Theory, OnBothEngines]
    public async Task A_plan_granted_by_a_simulator_is_void_with_a_real_key(StorageEngine engine)
    {
        var local = new Dictionary<string, string?> { ["STRIPE_API_BASE"] = "http://127.0.0.1:1" };
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres, settings: local);
        var subscriber = await billing.SignUpAsync();
        await subscriber.SetSubscriptionsAsync(Subscriptions.Unlimited());
        await subscriber.WaitForPlanAsync("unlimited");
        await billing.Own.Server.DisposeAsync();

        var stripe = new StripeDouble();
        await using var real =
            await TestServer.StartAsync(billing.Store, BillingServer.Settings, replace: services => BillingServer.Use(stripe, services));

        var account = subscriber.Account.On(real.Http);
        (await account.Key.GetAsync("/quota"))["plan"].GetString().ShouldBe("free");
        (await account.Key.GetAsync("/billing/portal")).Status.ShouldBe(400);
        (await account.Key.PostAsync("/billing/checkout", new { plan = "pro" })).Status.ShouldBe(200);
        stripe.CustomersCreated.ShouldBe(1);
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite, "https://api.stripe.com")]
    [InlineData(StorageEngine.Postgres, "https://api.stripe.com")]
    [InlineData(StorageEngine.Sqlite, "http://127.0.0.1:1")]
    [InlineData(StorageEngine.Postgres, "http://127.0.0.1:1")]
    public async Task A_paid_plan_is_not_changed_by_a_simulator_or_by_test_mode(StorageEngine engine, string apiBase)
    {
        await using var billing = await BillingServer.StartAsync(
            engine, servers.Postgres, settings: new Dictionary<string, string?> { ["STRIPE_SECRET_KEY"] = "sk_live_double" });
        var subscriber = await billing.SignUpAsync();
        billing.Stripe.Set(subscriber.CustomerId, Subscriptions.Pro());
        await BillingServer.ReturnFromStripeAsync(billing.Own.Server, billing.Store, subscriber.CustomerId);
        (await billing.Store.ReadSqlAsync("select plan_origin from profiles")).ShouldBe("live");

        var stripe = new StripeDouble();
        var settings = new Dictionary<string, string?>(BillingServer.Settings) { ["STRIPE_API_BASE"] = apiBase };
        await using var developers =
            await TestServer.StartAsync(billing.Store, settings, billing.Clock, services => BillingServer.Use(stripe, services));
        var there = subscriber.Account.On(developers.Http);
        (await there.Key.GetAsync("/quota"))["plan"].GetString().ShouldBe("pro");
        (await there.Key.PostAsync("/billing/checkout", new { plan = "unlimited" })).Status.ShouldBe(200);
        var customerId = stripe.Checkouts.ShouldHaveSingleItem().Customer!;
        stripe.Set(customerId, Subscriptions.Unlimited());
        var synced = await developers.Services.GetRequiredService<PyResolve.Server.Billing.Sync.CustomerSync>()
            .RunAsync(customerId, TestContext.Current.CancellationToken);

        synced!.State.Plan.ShouldBe("unlimited");
        (await subscriber.PlanAsync()).ShouldBe("pro");
        (await billing.Store.ReadSqlAsync("select plan_origin from profiles")).ShouldBe("live");
    }

    [Theory, OnBothEngines]
    public async Task All_plans_granted_by_a_simulator_are_revoked_before_the_first_request(StorageEngine engine)
    {
        const int Grants = 450;
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        await own.SignUpAsync();
        await own.Server.DisposeAsync();
        // As a simulator granted them.
        var id = engine is StorageEngine.Postgres ? "cast(lpad(cast(n as text), 32, '0') as uuid)"
            : "printf('00000000-0000-0000-0000-%012d', n)";
        await own.Store.ExecuteSqlAsync($"""
            with recursive s(n) as (select 1 union all select n + 1 from s where n < {Grants})
            insert into profiles (id, email, name, plan, plan_origin, created_at, updated_at)
            select {id}, 'granted' || n || '@example.com', 'granted', 'unlimited', 'local', p.created_at, p.updated_at from profiles p, s
            """);

        await using var real = await TestServer.StartAsync(
            own.Store, BillingServer.Settings, own.Clock, services => BillingServer.Use(new StripeDouble(), services));

        (await own.Store.ReadNumberAsync("select count(*) from profiles where plan_origin is null and plan = 'free'")).ShouldBe(Grants + 1);
    }

    [Theory, OnBothEngines]
    public async Task A_change_is_effective_on_every_instance_within_five_seconds(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        await using var second = await TestServer.StartAsync(
            billing.Store, BillingServer.Settings, billing.Clock, services => BillingServer.Use(billing.Stripe, services));
        var subscriber = await billing.SignUpAsync();
        var there = subscriber with { Account = subscriber.Account.On(second.Http) };
        (await there.PlanAsync()).ShouldBe("free");

        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro());

        await there.WaitForPlanAsync("pro", within: TimeSpan.FromSeconds(5));
    }

    private static Task<string?> SetAsync(TestServer server, TestAccount account, string plan, DateTimeOffset until) =>
        server.Services.GetRequiredService<PlanOverrides>().SetAsync(
            account.UserId, plan, until, Origin.Operator, TestContext.Current.CancellationToken);

    private static Task<DateTimeOffset?> SweepAsync(TestServer server) =>
        server.Background<PlanEnds>().SweepAsync(TestContext.Current.CancellationToken);

    private static async Task<string?> PlanOnAsync(TestAccount account, TestServer server) =>
        (await account.On(server.Http).Key.GetAsync("/quota"))["plan"].GetString();
}
