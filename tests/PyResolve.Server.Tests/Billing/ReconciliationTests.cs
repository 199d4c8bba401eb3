using System.Text.Json;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Reconciliation;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Billing;

/// <summary>Plans are corrected even if webhooks do not arrive.</summary>
public sealed class ReconciliationTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task Events_that_never_arrived_are_fetched_within_an_hour(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        await billing.WaitForCountAsync("select count(*) from billing_jobs", 2);
        billing.Stripe.Set(subscriber.CustomerId, Subscriptions.Pro());
        for (var i = 0; i < 5; i++)
            billing.Stripe.Events.Add(Listed($"evt_missed_{i}", subscriber.CustomerId, billing.Clock.GetUtcNow().AddMinutes(i)));
        billing.Stripe.Events.Add(Listed("evt_ancient", subscriber.CustomerId, billing.Clock.GetUtcNow().AddDays(-1)));

        billing.Clock.Jump(TimeSpan.FromHours(1));

        await subscriber.WaitForPlanAsync("pro", TimeSpan.FromSeconds(20));
        await billing.WaitForCountAsync("select repaired from billing_jobs where name = 'events'", 5);
        (await billing.Store.ReadNumberAsync("select count(*) from stripe_events where event_id like 'evt_missed_%'")).ShouldBe(5);
        (await billing.Store.ReadNumberAsync("select count(*) from stripe_events where event_id = 'evt_ancient'")).ShouldBe(0);
    }

    [Theory, OnBothEngines]
    public async Task Every_night_all_plans_are_compared(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var (subscribes, ends, stays) = (await billing.SignUpAsync(), await billing.SignUpAsync(), await billing.SignUpAsync());
        foreach (var subscriber in new[] { ends, stays })
        {
            await subscriber.SetSubscriptionsAsync(Subscriptions.Pro(id: $"sub_{subscriber.CustomerId}"));
            await subscriber.WaitForPlanAsync("pro");
        }

        await billing.WaitForCountAsync("select count(*) from billing_jobs", 2);
        billing.Stripe.Set(subscribes.CustomerId, Subscriptions.Unlimited());
        billing.Stripe.Set(ends.CustomerId, Subscriptions.Pro("canceled", $"sub_{ends.CustomerId}"));
        billing.Clock.Jump(TimeSpan.FromHours(15));

        await subscribes.WaitForPlanAsync("unlimited", TimeSpan.FromSeconds(20));
        await ends.WaitForPlanAsync("free");
        (await stays.PlanAsync()).ShouldBe("pro");
        await billing.WaitForCountAsync("select repaired from billing_jobs where name = 'all'", 2);
    }

    [Theory, OnBothEngines]
    public async Task Every_customer_is_compared_also_when_the_last_page_of_them_is_exactly_full(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        await billing.WaitForCountAsync("select count(*) from billing_jobs", 2);
        var now = engine == StorageEngine.Sqlite ? "0" : "now()";
        var count = 0;
        foreach (var target in (int[])[99, 100, 101, 199, 200, 201])
        {
            for (; count < target; count++)
                await billing.Store.ExecuteSqlAsync(
                    "insert into billing_customers (origin, customer_id, user_id, return_token, created_at) "
                    + $"values ('test', 'cus_{count:000}', '{Guid.CreateVersion7(billing.Clock.GetUtcNow())}', 'token_{count}', {now})");

            var compared = await billing.Service<Reconciler>().CompareAllAsync(TestContext.Current.CancellationToken);

            compared.ShouldBe(new ReconciliationResult(target, Repaired: 0, Failed: 0));
        }
    }

    [Theory, OnBothEngines]
    public async Task An_event_that_may_still_arrive_is_stored_but_not_counted_as_missed(StorageEngine engine)
    {
        var log = new LogRecorder();
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres, log: log);
        var subscriber = await billing.SignUpAsync();
        var now = billing.Clock.GetUtcNow();
        billing.Stripe.Events.Add(Listed("evt_on_its_way", subscriber.CustomerId, now.AddSeconds(-110)));
        var reconciler = billing.Service<Reconciler>();

        (await reconciler.FetchMissedEventsAsync(now.AddHours(-1), TestContext.Current.CancellationToken)).ShouldBe(0);
        (await billing.Store.ReadNumberAsync("select count(*) from stripe_events where event_id = 'evt_on_its_way'")).ShouldBe(1);
        log.Lines.ShouldNotContain(line => line.Contains("had not arrived", StringComparison.Ordinal));

        billing.Stripe.Events.Add(Listed("evt_missed", subscriber.CustomerId, now.AddSeconds(-130)));
        (await reconciler.FetchMissedEventsAsync(now.AddHours(-1), TestContext.Current.CancellationToken)).ShouldBe(1);
        log.Lines.Count(line => line.StartsWith("1 of Stripe's events had not arrived", StringComparison.Ordinal)).ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task Missed_events_are_also_counted_if_fetched_every_minute(StorageEngine engine)
    {
        var settings = new Dictionary<string, string?> { ["PyResolve:Stripe:EventsMinutes"] = "1" };
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres, settings: settings);
        var subscriber = await billing.SignUpAsync();
        var now = billing.Clock.GetUtcNow();
        billing.Stripe.Events.Add(Listed("evt_missed", subscriber.CustomerId, now.AddSeconds(-40)));
        billing.Stripe.Events.Add(Listed("evt_on_its_way", subscriber.CustomerId, now.AddSeconds(-20)));

        (await billing.Service<Reconciler>().FetchMissedEventsAsync(now.AddHours(-1), TestContext.Current.CancellationToken)).ShouldBe(1);
        (await billing.Store.ReadNumberAsync("select count(*) from stripe_events where event_id in ('evt_missed', 'evt_on_its_way')"))
            .ShouldBe(2);
    }

    [Theory, OnBothEngines]
    public async Task A_subscription_that_a_deleted_account_left_open_is_cancelled(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var cancellation = TestContext.Current.CancellationToken;
        var subscriber = await billing.SignUpAsync();
        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro());
        await subscriber.WaitForPlanAsync("pro");
        await billing.WaitUntilProcessedAsync();
        await subscriber.DeleteAccountAsync();
        await billing.WaitUntilProcessedAsync();
        // As if Stripe could not be reached until the event was dead.
        billing.Stripe.Set(subscriber.CustomerId, Subscriptions.Pro());

        (await billing.Service<Reconciler>().CompareAllAsync(cancellation))
            .ShouldBe(new ReconciliationResult(Compared: 1, Repaired: 1, Failed: 0));

        billing.Stripe.SubscriptionsOf(subscriber.CustomerId).Single().Status.ShouldBe("canceled");
    }

    [Theory, OnBothEngines]
    public async Task A_checkout_that_a_deleted_account_left_open_is_closed_once(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        var reconciler = billing.Service<Reconciler>();
        await subscriber.DeleteAccountAsync();
        await billing.WaitUntilProcessedAsync();
        // As if Stripe could not be reached until the event was dead.
        billing.Stripe.SetCheckout(billing.Stripe.Checkouts.Single().Id, StripeCheckoutSession.Open);

        billing.Stripe.FailNextExpiries(1);
        (await reconciler.CompareAllAsync(TestContext.Current.CancellationToken))
            .ShouldBe(new ReconciliationResult(Compared: 1, Repaired: 0, Failed: 1));
        (await reconciler.CompareAllAsync(TestContext.Current.CancellationToken))
            .ShouldBe(new ReconciliationResult(Compared: 1, Repaired: 1, Failed: 0));

        billing.Stripe.Checkouts.Single().Status.ShouldBe("expired");
        (await billing.Store.ReadNumberAsync("select count(*) from billing_checkouts")).ShouldBe(0);
        var reads = billing.Stripe.Reads;
        (await reconciler.CompareAllAsync(TestContext.Current.CancellationToken))
            .ShouldBe(new ReconciliationResult(Compared: 1, Repaired: 0, Failed: 0));
        billing.Stripe.Reads.ShouldBe(reads);
    }

    [Theory, OnBothEngines]
    public async Task An_unlinked_customer_is_found_by_its_metadata(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var account = await billing.Own.SignUpAsync();
        var metadata = new Dictionary<string, string> { ["user_id"] = account.UserId.ToString() };
        billing.Stripe.Set("cus_lost", Subscriptions.Pro() with { Metadata = metadata });
        billing.Stripe.Add(new StripeCustomer("cus_lost") { Metadata = metadata });
        billing.Stripe.Set("cus_of_another_product", Subscriptions.Pro(id: "sub_2"));

        var result = await billing.Service<Reconciler>().CompareAllAsync(TestContext.Current.CancellationToken);

        result.ShouldBe(new ReconciliationResult(Compared: 0, Repaired: 1, Failed: 0));
        (await account.Key.GetAsync("/quota"))["plan"].GetString().ShouldBe("pro");
    }

    [Theory, OnBothEngines]
    public async Task A_customer_named_only_in_a_profile_is_adopted(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var account = await billing.Own.SignUpAsync();
        await billing.Store.ExecuteSqlAsync("update profiles set stripe_customer_id = 'cus_from_the_seed', plan = 'unlimited'");
        billing.Stripe.Set("cus_from_the_seed", Subscriptions.Pro());

        var result = await billing.Service<Reconciler>().CompareAllAsync(TestContext.Current.CancellationToken);

        result.ShouldBe(new ReconciliationResult(Compared: 0, Repaired: 1, Failed: 0));
        (await account.Key.GetAsync("/quota"))["plan"].GetString().ShouldBe("pro");
    }

    [Theory, OnBothEngines]
    public async Task A_plan_lowered_by_SQL_is_repaired_and_one_set_by_an_operator_is_kept(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var cancellation = TestContext.Current.CancellationToken;
        var (typed, granted, ours, right) = (await billing.SignUpAsync(), await billing.SignUpAsync("ada@example.com"),
            await billing.SignUpAsync(), await billing.SignUpAsync());
        foreach (var subscriber in new[] { typed, granted, ours, right })
            await subscriber.SetSubscriptionsAsync(Subscriptions.Pro(id: $"sub_{subscriber.CustomerId}"));
        await billing.WaitUntilProcessedAsync();
        await billing.Store.ExecuteSqlAsync($"update profiles set plan = 'free' where id = '{typed.Account.UserId}'");
        await billing.Store.ExecuteSqlAsync($"update profiles set plan = 'enterprise' where id = '{ours.Account.UserId}'");
        await billing.Service<PyResolve.Server.Billing.Sync.PlanOverrides>().SetAsync(
            granted.Account.UserId, "unlimited", until: null, PyResolve.Server.Audit.Origin.Operator, cancellation);

        var result = await billing.Service<Reconciler>().CompareAllAsync(cancellation);

        result.ShouldBe(new ReconciliationResult(Compared: 4, Repaired: 1, Failed: 0));
        foreach (var (subscriber, plan) in new[] { (typed, "pro"), (granted, "unlimited"), (ours, "enterprise"), (right, "pro") })
            (await subscriber.PlanAsync()).ShouldBe(plan);
    }

    [Theory, OnBothEngines]
    public async Task A_deleted_customer_that_exists_again_is_linked_again(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro());
        await subscriber.WaitForPlanAsync("pro");
        billing.Stripe.Delete(subscriber.CustomerId);
        await subscriber.SendEventAsync();
        await subscriber.WaitForPlanAsync("free");

        billing.Stripe.Add(new StripeCustomer(subscriber.CustomerId));
        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro());

        await subscriber.WaitForPlanAsync("pro");
        (await billing.Store.ReadSqlAsync("select stripe_customer_id from profiles")).ShouldBe(subscriber.CustomerId);
        (await subscriber.Account.Key.GetAsync("/billing/portal")).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task The_key_of_another_Stripe_account_ends_no_plan(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscribers = new List<Subscriber>();
        for (var i = 0; i < 5; i++)
        {
            subscribers.Add(await billing.SignUpAsync());
            await subscribers[i].SetSubscriptionsAsync(Subscriptions.Pro(id: $"sub_{i}"));
        }

        await billing.WaitUntilProcessedAsync();
        foreach (var subscriber in subscribers)
            billing.Stripe.Delete(subscriber.CustomerId);

        var refusal = await Should.ThrowAsync<StripeException>(
            () => billing.Service<Reconciler>().CompareAllAsync(TestContext.Current.CancellationToken));

        refusal.Message.ShouldContain("5 of 5");
        (await billing.Store.ReadNumberAsync("select count(*) from profiles where plan = 'pro'")).ShouldBe(5);
    }

    [Theory, OnBothEngines]
    public async Task Customers_on_test_clocks_do_not_stop_the_comparison(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscribers = new List<Subscriber>();
        for (var i = 0; i < 5; i++)
        {
            subscribers.Add(await billing.SignUpAsync());
            await subscribers[i].SetSubscriptionsAsync(Subscriptions.Pro(id: $"sub_{i}"));
            billing.Stripe.OnTestClocks.Add(subscribers[i].CustomerId);
        }

        await billing.WaitUntilProcessedAsync();
        billing.Stripe.Set(subscribers[0].CustomerId, Subscriptions.Unlimited(id: "sub_0"));

        (await billing.Service<Reconciler>().CompareAllAsync(TestContext.Current.CancellationToken))
            .ShouldBe(new ReconciliationResult(Compared: 5, Repaired: 1, Failed: 0));
        (await subscribers[0].PlanAsync()).ShouldBe("unlimited");
    }

    [Theory, OnBothEngines]
    public async Task A_job_runs_on_one_instance_at_a_time_and_on_another_once_its_lease_has_ended(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var jobs = billing.Service<BillingJobs>();
        var cancellation = TestContext.Current.CancellationToken;
        await jobs.AddAsync("job", billing.Clock.GetUtcNow(), cancellation);

        var taken = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => jobs.TryLeaseAsync("job", cancellation)));
        var run = taken.OfType<JobRun>().ShouldHaveSingleItem();
        // No instance looks for it before.
        (await jobs.FindNextRunAsync(cancellation)).ShouldBe(billing.Clock.GetUtcNow().AddMinutes(2));
        billing.Clock.Advance(TimeSpan.FromMinutes(3));

        (await jobs.TryLeaseAsync("job", cancellation)).ShouldNotBeNull();
        await jobs.FinishAsync(run, billing.Clock.GetUtcNow().AddDays(1), billing.Clock.GetUtcNow(), repaired: 7, cancellation);
        (await billing.Store.ReadNumberAsync("select repaired from billing_jobs where name = 'job'")).ShouldBe(0);
    }

    [Theory, OnBothEngines]
    public async Task Work_stops_when_another_instance_has_its_lease(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var jobs = billing.Service<BillingJobs>();
        var cancellation = TestContext.Current.CancellationToken;
        await jobs.AddAsync("job", billing.Clock.GetUtcNow(), cancellation);
        var run = (await jobs.TryLeaseAsync("job", cancellation))!;
        var working =
            run.Lease.WorkAsync(async stopping => { await Task.Delay(Timeout.InfiniteTimeSpan, stopping); return 0; }, cancellation);

        // It is renewed after its end as long as no other instance has taken it.
        billing.Clock.Jump(TimeSpan.FromMinutes(3));
        await billing.WaitForCountAsync(
            $"select count(*) from billing_jobs where name = 'job' and lease_until > {Sql(engine, billing.Clock.GetUtcNow())}", 1);
        working.IsCompleted.ShouldBeFalse();
        await billing.Store.ExecuteSqlAsync($"update billing_jobs set lease_owner = '{Guid.CreateVersion7()}' where name = 'job'");
        billing.Clock.Jump(TimeSpan.FromMinutes(1));

        await Should.ThrowAsync<LeaseLostException>(() => working);
        await jobs.FinishAsync(run, billing.Clock.GetUtcNow().AddDays(1), billing.Clock.GetUtcNow(), repaired: 7, cancellation);
        (await billing.Store.ReadNumberAsync("select repaired from billing_jobs where name = 'job'")).ShouldBe(0);
    }

    [Theory, OnBothEngines]
    public async Task A_dispute_found_only_in_the_list_of_events_is_logged_once(StorageEngine engine)
    {
        var log = new LogRecorder();
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres, log: log);
        var disputed = Listed("evt_dispute", "unused", billing.Clock.GetUtcNow()) with
        {
            Type = "charge.dispute.created",
            Data = new(JsonSerializer.SerializeToElement(new { id = "dp_1", @object = "dispute", charge = "ch_1" })),
        };
        billing.Stripe.Events.Add(disputed);
        var reconciler = billing.Service<Reconciler>();

        for (var i = 0; i < 2; i++)
            await reconciler.FetchMissedEventsAsync(billing.Clock.GetUtcNow().AddHours(-1), TestContext.Current.CancellationToken);

        log.Lines.Count(line => line.Contains("charge.dispute.created", StringComparison.Ordinal)
            && line.Contains("ch_1", StringComparison.Ordinal)).ShouldBe(1);
    }

    private static string Sql(StorageEngine engine, DateTimeOffset instant) => engine is StorageEngine.Postgres
        ? $"'{instant:O}'"
        : (instant.UtcTicks / TimeSpan.TicksPerMicrosecond - DateTimeOffset.UnixEpoch.UtcTicks / TimeSpan.TicksPerMicrosecond)
            .ToString(System.Globalization.CultureInfo.InvariantCulture);

    private static StripeEvent Listed(string id, string customerId, DateTimeOffset created) => new(id)
    {
        Type = "customer.subscription.updated",
        Object = "event",
        Livemode = false,
        Created = created,
        Data = new(JsonSerializer.SerializeToElement(new { id = "sub_1", @object = "subscription", customer = customerId })),
    };
}
