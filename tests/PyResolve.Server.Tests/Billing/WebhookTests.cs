using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Billing.Webhooks;

namespace PyResolve.Server.Tests.Billing;

/// <summary>An event only shows that something changed: the plan is then read from Stripe.</summary>
public sealed class WebhookTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task A_new_subscription_sets_the_plan(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();

        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro());

        await subscriber.WaitForPlanAsync("pro");
        var quota = await subscriber.Account.Key.GetAsync("/quota");
        (quota["migrations_limit"].GetInt32(), quota["llm_allowed"].GetBoolean()).ShouldBe((50, true));
        (await billing.Store.ReadSqlAsync("select plan from profiles")).ShouldBe("pro");
        (await subscriber.Account.Session.GetAsync("/audit")).Text.ShouldContain("account.plan_changed");
    }

    [Theory, OnBothEngines]
    public async Task A_repeated_event_is_accepted_and_changes_nothing(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro());
        await subscriber.WaitForPlanAsync("pro");
        var body = BillingServer.Event(subscriber.CustomerId);
        await billing.DeliverAsync(body);
        await billing.WaitUntilProcessedAsync();
        var reads = billing.Stripe.Reads;

        var again = await billing.DeliverAsync(body);

        (again.Status, again.Text).ShouldBe((200, """{"status":"ok"}"""));
        (await billing.Store.ReadNumberAsync("select count(*) from stripe_events")).ShouldBe(2);
        billing.Stripe.Reads.ShouldBe(reads);
    }

    [Theory, OnBothEngines]
    public async Task Old_events_are_deleted_but_not_by_a_clock_alone_that_is_ahead(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var inbox = billing.Own.Server.Services.GetRequiredService<Inbox>();
        await StoreAsync("evt_old");

        billing.Clock.Jump(TimeSpan.FromDays(40));
        await inbox.DeleteOldAsync(TestContext.Current.CancellationToken);
        (await billing.Store.ReadNumberAsync("select count(*) from stripe_events")).ShouldBe(1);
        await StoreAsync("evt_new");
        billing.Clock.Jump(TimeSpan.FromDays(2));
        await inbox.DeleteOldAsync(TestContext.Current.CancellationToken);

        (await billing.Store.ReadSqlAsync("select event_id from stripe_events")).ShouldBe("evt_new");

        Task StoreAsync(string id) => inbox.StoreAsync(
            new ReceivedEvent(id, "charge.refunded", CustomerId: null, "{}", IgnoredBecause: "irrelevant"),
            TestContext.Current.CancellationToken);
    }

    [Theory, OnBothEngines]
    public async Task Irrelevant_events_are_stored_and_ignored(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        await billing.WaitUntilProcessedAsync();
        var reads = billing.Stripe.Reads;
        string[] bodies =
        [
            BillingServer.Event(subscriber.CustomerId, "product.created"),
            BillingServer.Event(subscriber.CustomerId, "charge.dispute.created"),
            BillingServer.Event(subscriber.CustomerId).Replace("\"livemode\":false", "\"livemode\":true", StringComparison.Ordinal),
            """{"id":"evt_thin","object":"v2.core.event","type":"v1.product.updated","related_object":{"id":"prod_1"}}""",
            """{"id":"evt_thin_2","object":"v2.core.event","type":"v1.customer.subscription.updated"}""",
            """{"id":"evt_payment","type":"checkout.session.completed","livemode":false,"data":{"object":{"id":"cs","object":"checkout.session","mode":"payment","customer":"cus_1"}}}""",
            """{"id":"evt_nobody","type":"checkout.session.completed","livemode":false,"data":{"object":{"id":"cs","object":"checkout.session","mode":"subscription","customer":null}}}""",
        ];

        foreach (var body in bodies)
            (await billing.DeliverAsync(body)).Status.ShouldBe(200, body);

        (await billing.Store.ReadNumberAsync(
            "select count(*) from stripe_events where state = 'ignored' and note is not null")).ShouldBe(bodies.Length);
        billing.Stripe.Reads.ShouldBe(reads);
    }

    [Theory, OnBothEngines]
    public async Task A_thin_event_is_worked_on_by_the_object_that_it_names(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        (string Type, string Id)[] events =
        [
            ("customer.subscription.updated", "sub_1"), ("invoice.paid", "in_1"), ("checkout.session.completed", "cs_1"),
            ("customer.deleted", ""),
        ];
        foreach (var (type, id) in events)
        {
            var subscriber = await billing.SignUpAsync();
            billing.Stripe.Set(subscriber.CustomerId, Subscriptions.Pro());
            billing.Stripe.Invoices[subscriber.CustomerId] = [new StripeInvoice("in_1") { Customer = subscriber.CustomerId }];
            billing.Stripe.Add(new StripeCheckoutSession("cs_1") { Customer = subscriber.CustomerId });

            var named = id.Length > 0 ? id : subscriber.CustomerId;
            await billing.DeliverAsync($$$"""
                {"id":"evt_{{{type}}}","object":"v2.core.event","type":"v1.{{{type}}}","livemode":false,
                 "related_object":{"id":"{{{named}}}"} }
                """);

            await subscriber.WaitForPlanAsync("pro");
            billing.Stripe.Invoices.Clear();
        }
    }

    [Theory, OnBothEngines]
    public async Task Usage_that_Stripe_refused_afterwards_is_kept_for_review(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        foreach (var type in new[] { "error_report_triggered", "no_meter_found" })
        {
            (await billing.DeliverAsync($$$"""
                {"id":"evt_{{{type}}}","object":"v2.core.event","type":"v1.billing.meter.{{{type}}}","livemode":false,
                 "related_object":{"id":"mtr_1","type":"billing.meter"}}
                """)).Status.ShouldBe(200);
        }

        (await billing.Store.ReadNumberAsync(
            "select count(*) from stripe_events where state = 'ignored' and note = 'needs review'")).ShouldBe(2);
    }

    [Theory]
    [InlineData("PyResolve:Plans:pro:Credits", "true")]
    [InlineData("PyResolve:Stripe:DisputeEndsPlan", "true")]
    [InlineData("PyResolve:Stripe:DisputeEndsPlan", "false")]
    public async Task A_thin_event_of_a_dispute_is_logged_and_kept_for_review(string setting, string value)
    {
        var log = new LogRecorder();
        await using var billing = await BillingServer.StartAsync(
            StorageEngine.Sqlite, servers.Postgres, settings: new Dictionary<string, string?> { [setting] = value }, log: log);

        (await billing.DeliverAsync("""
            {"id":"evt_dispute","object":"v2.core.event","type":"v1.charge.dispute.created","livemode":false,
             "related_object":{"id":"du_1","type":"dispute"}}
            """)).Status.ShouldBe(200);

        (await billing.Store.ReadSqlAsync("select state || ': ' || note from stripe_events")).ShouldBe("ignored: needs review");
        log.Lines.ShouldContain(line => line.Contains("evt_dispute", StringComparison.Ordinal));
    }

    [Theory, OnBothEngines]
    public async Task An_event_of_another_API_version_works_as_well(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        billing.Stripe.Set(subscriber.CustomerId, Subscriptions.Unlimited());

        await billing.DeliverAsync("""
            {"id":"evt_old","object":"event","api_version":"2015-10-16","type":"invoice.payment_succeeded","livemode":false,"pending_webhooks":1,
             "data":{"object":{"object":"invoice","customer":{"id":"cus_x","object":"customer"},"paid":true,"subscription":"sub_1"}}}
            """.Replace("cus_x", subscriber.CustomerId, StringComparison.Ordinal));

        await subscriber.WaitForPlanAsync("unlimited");
    }

    [Theory, OnBothEngines]
    public async Task An_event_of_an_unknown_customer_is_ignored(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        billing.Stripe.Set("cus_of_another_product", Subscriptions.Pro());

        await billing.DeliverAsync(BillingServer.Event("cus_of_another_product"));

        await billing.WaitForCountAsync("select count(*) from stripe_events where state = 'ignored'", 1);
    }

    [Theory, OnBothEngines]
    public async Task A_customer_without_an_account_id_is_linked_to_no_account(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var account = await billing.Own.SignUpAsync("ada@example.com");
        billing.Stripe.Add(new StripeCustomer("cus_by_mail"));
        billing.Stripe.Set("cus_by_mail", Subscriptions.Pro());

        await billing.DeliverAsync(BillingServer.Event("cus_by_mail"));

        await billing.WaitForCountAsync("select count(*) from stripe_events where state = 'ignored'", 1);
        (await account.Key.GetAsync("/quota"))["plan"].GetString().ShouldBe("free");
    }

    [Theory, OnBothEngines]
    public async Task An_event_of_a_customer_that_is_linked_during_the_lookup_is_not_ignored(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var account = await billing.Own.SignUpAsync();
        billing.Stripe.Set("cus_new", Subscriptions.Pro());
        billing.Stripe.OnFindCustomer = customerId =>
            billing.Service<BillingCustomers>().LinkAsync(account.UserId, customerId, replaces: null, CancellationToken.None);

        await billing.DeliverAsync(BillingServer.Event("cus_new"));

        await billing.WaitForCountAsync("select count(*) from stripe_events where state <> 'pending'", 1);
        (await billing.Store.ReadSqlAsync("select state from stripe_events")).ShouldBe("done");
        (await account.Key.GetAsync("/quota"))["plan"].GetString().ShouldBe("pro");
    }

    [Theory, OnBothEngines]
    public async Task A_customer_of_an_earlier_system_is_adopted(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var account = await billing.Own.SignUpAsync();
        await billing.Store.ExecuteSqlAsync("update profiles set stripe_customer_id = 'cus_from_the_seed'");
        billing.Stripe.Set("cus_from_the_seed", Subscriptions.Pro());

        await billing.DeliverAsync(BillingServer.Event("cus_from_the_seed", "checkout.session.completed"));

        await billing.WaitForCountAsync("select count(*) from profiles where plan = 'pro'", 1);
        (await account.Key.GetAsync("/quota"))["plan"].GetString().ShouldBe("pro");
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("\"evt\"")]
    [InlineData("{}")]
    [InlineData("""{"id":"evt_1"}""")]
    [InlineData("""{"id":7,"type":"customer.subscription.updated"}""")]
    [InlineData("""{"id":"evt_1","type":"half \ud800"}""")]
    [InlineData("""{"id":"evt\u0000_1","type":"customer.subscription.updated"}""")]
    public async Task A_signed_body_that_is_not_an_event_is_an_invalid_payload(string body)
    {
        await using var billing = await BillingServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);

        var answer = await billing.DeliverAsync(body);

        (answer.Status, answer.Code, answer.Detail).ShouldBe((400, "malformed", "Invalid payload"));
        (await billing.Store.ReadNumberAsync("select count(*) from stripe_events")).ShouldBe(0);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("t={t}")]
    [InlineData("v1={v}")]
    [InlineData("t={t},v0={v}")]
    [InlineData("t={t},v1={v},broken")]
    [InlineData("t={t},v1=0{v}")]
    [InlineData("t=now,v1={v}")]
    [InlineData("t=99999999999999999999,v1={v}")]
    public async Task An_event_without_a_valid_signature_is_refused_and_not_stored(string? header)
    {
        await using var billing = await BillingServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);
        var body = BillingServer.Event("cus_1");
        var good = BillingSigner.Header(body, BillingServer.WebhookSecret, billing.Clock.GetUtcNow()).Split(',');
        var sent = header?.Replace("{t}", good[0]["t=".Length..], StringComparison.Ordinal).Replace(
            "{v}", good[1]["v1=".Length..], StringComparison.Ordinal);

        var answer = await billing.Own.Server.Anonymous.SendAsync(
            HttpMethod.Post, "/webhooks/stripe", body, sent is null ? [] : [("Stripe-Signature", sent)]);

        (answer.Status, answer.Code, answer.Detail).ShouldBe((400, "malformed", "Invalid signature"));
        (await billing.Store.ReadNumberAsync("select count(*) from stripe_events")).ShouldBe(0);
    }

    [Fact]
    public async Task A_body_of_more_than_a_megabyte_is_too_large()
    {
        await using var billing = await BillingServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);

        var answer = await billing.DeliverAsync($"{{\"id\":\"evt_1\",\"type\":\"{new string('x', 1024 * 1024)}\"}}");

        answer.Status.ShouldBe(413);
    }

    [Theory, OnBothEngines]
    public async Task While_Stripe_is_down_events_wait_and_a_new_one_is_tried_at_once(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        billing.Stripe.FailNext(1);
        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro());
        await billing.WaitForCountAsync("select count(*) from stripe_events where state = 'pending' and attempts = 1", 1);
        (await subscriber.PlanAsync()).ShouldBe("free");

        // The clock does not move, so the first event is not retried by itself.
        await subscriber.SendEventAsync();

        await subscriber.WaitForPlanAsync("pro");
        await billing.WaitUntilProcessedAsync();
    }

    [Theory, OnBothEngines]
    public async Task While_the_store_refuses_writes_events_are_tried_once_a_second_and_that_is_logged_once(StorageEngine engine)
    {
        var log = new LogRecorder();
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres, log: log);
        var subscriber = await billing.SignUpAsync();
        billing.Stripe.Set(subscriber.CustomerId, Subscriptions.Pro());
        await billing.Store.ExecuteSqlAsync(Refuse(engine, "update of state, attempts"));
        var before = billing.Stripe.Reads;
        int Tries() => billing.Stripe.Reads - before;

        await subscriber.SendEventAsync();
        await Eventually.IsTrueAsync(() => Tries() >= 1, cancellationToken: TestContext.Current.CancellationToken);
        var since = Stopwatch.GetTimestamp();
        await Eventually.IsTrueAsync(() => Tries() >= 4, TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);

        Stopwatch.GetElapsedTime(since).ShouldBeGreaterThan(TimeSpan.FromSeconds(1.5));
        log.Lines.Count(line => line.StartsWith("Stripe events cannot be processed now; retrying: ", StringComparison.Ordinal)).ShouldBe(1);
        log.Lines.ShouldNotContain(line => line.Contains("was not synced", StringComparison.Ordinal));
        await billing.Store.ExecuteSqlAsync(AllowAgain(engine));
        await Eventually.IsTrueAsync(
            async () =>
            {
                // The attempt that was running may have failed, so that the next one is delayed.
                billing.Clock.Jump(TimeSpan.FromSeconds(1));
                return await subscriber.PlanAsync() == "pro";
            },
            cancellationToken: TestContext.Current.CancellationToken, what: "plan pro");
    }

    [Theory, OnBothEngines]
    public async Task An_event_that_cannot_be_stored_is_refused_so_that_Stripe_sends_it_again(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        billing.Stripe.Set(subscriber.CustomerId, Subscriptions.Pro());
        var body = BillingServer.Event(subscriber.CustomerId);
        await billing.Store.ExecuteSqlAsync(Refuse(engine, "insert"));

        (await billing.DeliverAsync(body)).Status.ShouldBeGreaterThanOrEqualTo(500);
        (await billing.Store.ReadNumberAsync("select count(*) from stripe_events")).ShouldBe(0);

        await billing.Store.ExecuteSqlAsync(AllowAgain(engine));
        (await billing.DeliverAsync(body)).Status.ShouldBe(200);
        await subscriber.WaitForPlanAsync("pro");
    }

    [Theory, OnBothEngines]
    public async Task A_completed_checkout_with_the_session_of_another_account_grants_nothing(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var (buyer, other) = (await billing.SignUpAsync(), await billing.SignUpAsync());
        billing.Stripe.Set(buyer.CustomerId, Subscriptions.Pro());
        var session = billing.Stripe.Checkouts.Single(session => session.Customer == buyer.CustomerId).Id;

        await billing.DeliverAsync($$$"""
            {"id":"evt_crossed","object":"event","type":"checkout.session.completed","livemode":false,
             "data":{"object":{"id":"{{{session}}}","object":"checkout.session","mode":"subscription","payment_status":"paid","subscription":"sub_1",
                               "customer":"{{{other.CustomerId}}}","client_reference_id":"{{{buyer.Account.UserId}}}" } } }
            """);
        await billing.WaitUntilProcessedAsync();

        (await billing.Store.ReadNumberAsync("select count(*) from profiles where plan <> 'free'")).ShouldBe(0);
        await buyer.SendEventAsync("checkout.session.completed");
        await buyer.WaitForPlanAsync("pro");
        (await other.PlanAsync()).ShouldBe("free");
    }

    [Theory, OnBothEngines]
    public async Task An_event_that_fails_eight_times_is_dead_until_it_is_replayed(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        billing.Stripe.FailNext(int.MaxValue);
        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro());

        for (var attempts = 1; attempts <= 8; attempts++)
        {
            await billing.WaitForCountAsync("select max(attempts) from stripe_events", attempts);
            billing.Jump(TimeSpan.FromHours(3));
        }

        (await billing.Store.ReadSqlAsync("select state from stripe_events")).ShouldBe("dead");
        billing.Stripe.FailNext(0);
        (await billing.Service<PyResolve.Server.Billing.Webhooks.Inbox>().ReplayAsync(
            eventId: null, PyResolve.Server.Audit.Origin.Operator, TestContext.Current.CancellationToken)).ShouldBe(1);
        await subscriber.WaitForPlanAsync("pro");
        await billing.WaitUntilProcessedAsync();
    }

    [Theory]
    [InlineData("STRIPE_SECRET_KEY", null)]
    [InlineData("STRIPE_WEBHOOK_SECRET", null)]
    [InlineData("STRIPE_WEBHOOK_SECRET", " , ")]
    public async Task Without_a_key_or_a_secret_events_are_refused_so_that_Stripe_keeps_them(string setting, string? value)
    {
        await using var billing = await BillingServer.StartAsync(
            StorageEngine.Sqlite,
            servers.Postgres,
            settings: new Dictionary<string, string?> { [setting] = value, ["environment"] = "Production" });

        foreach (var secret in (string[])[BillingServer.WebhookSecret, "", " "])
        {
            var answer = await BillingServer.DeliverAsync(billing.Own.Server, BillingServer.Event("cus_1"), secret);
            (answer.Status, answer.Code).ShouldBe((503, "billing_not_configured"));
            answer.Detail!.ShouldContain(setting);
        }
    }

    private static string Refuse(StorageEngine engine, string change) => engine is StorageEngine.Postgres
        ? $"""
          create function refuse() returns trigger language plpgsql as $$ begin raise exception 'read-only'; end $$;
          create trigger refuse before {change} on stripe_events for each row execute function refuse();
          """
        : $"create trigger refuse before {change} on stripe_events begin select raise(abort, 'read-only'); end;";

    private static string AllowAgain(StorageEngine engine) =>
        engine is StorageEngine.Postgres ? "drop trigger refuse on stripe_events;" : "drop trigger refuse;";
}
