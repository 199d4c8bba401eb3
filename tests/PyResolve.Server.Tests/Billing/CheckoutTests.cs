using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Billing;

/// <summary>An account has one customer, one open checkout and one subscription, even with repeated and concurrent requests.</summary>
public sealed class CheckoutTests(SharedServers servers)
{
    private static readonly StripePrice SupportContract = new("price_support") { Recurring = new("month", "licensed") };

    [Theory, OnBothEngines]
    public async Task A_checkout_has_an_address(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var account = await billing.Own.SignUpAsync();

        var answer = await account.Key.PostAsync("/billing/checkout", new { plan = "unlimited" });

        answer.ShouldBeJson(200, $$"""{"checkout_url":"{{billing.Stripe.Checkouts.Single().Url}}"}""");
        billing.Stripe.Checkouts.Single().Url!.ShouldContain("price=price_unlimited");
        (await billing.Store.ReadSqlAsync("select stripe_customer_id from profiles")).ShouldBe(billing.Stripe.Checkouts.Single().Customer);
    }

    [Theory, OnBothEngines]
    public async Task Concurrent_requests_create_one_customer_and_one_checkout(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var account = await billing.Own.SignUpAsync();
        await account.WarmUpAsync();

        var answers = await Task.WhenAll(
            Enumerable.Range(0, 20).Select(_ => account.Key.PostAsync("/billing/checkout", new { plan = "pro" })));

        answers.ShouldAllBe(answer => answer.Status == 200);
        answers.Select(answer => answer["checkout_url"].GetString()).Distinct().Count().ShouldBe(1);
        billing.Stripe.CustomersCreated.ShouldBe(1);
        billing.Stripe.Checkouts.Count.ShouldBe(1);
        (await billing.Store.ReadNumberAsync("select count(*) from billing_customers")).ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task A_checkout_is_the_same_until_it_is_used_or_expires(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var account = await billing.Own.SignUpAsync();
        Task<Answer> Start() => account.Key.PostAsync("/billing/checkout", new { plan = "pro" });
        var first = await Start();

        var again = await Start();
        billing.Stripe.SetCheckout(billing.Stripe.Checkouts.Single().Id, "expired");
        var later = await Start();

        again.Text.ShouldBe(first.Text);
        later.Status.ShouldBe(200);
        later.Text.ShouldNotBe(first.Text);
        billing.Stripe.SetCheckout(billing.Stripe.Checkouts[^1].Id, "complete");
        (await Start()).ShouldBeProblem(409, "conflict").Detail!.ShouldContain("under way");
    }

    [Theory, OnBothEngines]
    public async Task Another_plan_closes_the_open_checkout(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var account = await billing.Own.SignUpAsync();
        await account.Key.PostAsync("/billing/checkout", new { plan = "pro" });

        await account.Key.PostAsync("/billing/checkout", new { plan = "unlimited" });

        billing.Stripe.Checkouts.Select(session => session.Status).ShouldBe(["expired", "open"]);
    }

    [Theory, OnBothEngines]
    public async Task A_checkout_paid_during_a_request_for_another_plan_refuses_that_request(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        var reads = 0;
        billing.Stripe.OnReadSubscriptions = (customerId, _) =>
        {
            // The server has read the account's state; then the account pays.
            if (++reads == 2)
            {
                billing.Stripe.SetCheckout(billing.Stripe.Checkouts.Single().Id, StripeCheckoutSession.Complete);
                billing.Stripe.Set(customerId, Subscriptions.Pro());
            }

            return Task.CompletedTask;
        };

        (await subscriber.Account.Key.PostAsync(
            "/billing/checkout", new { plan = "unlimited" })).ShouldBeProblem(409, "already_subscribed");
        billing.Stripe.Checkouts.Count.ShouldBe(1);
        (await subscriber.PlanAsync()).ShouldBe("pro");
    }

    [Theory, OnBothEngines]
    public async Task A_paid_checkout_blocks_a_new_one_until_its_subscription_is_cancelled(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        billing.Stripe.SetCheckout(billing.Stripe.Checkouts.Single().Id, StripeCheckoutSession.Complete, subscription: "sub_1");

        // Stripe does not show the subscription yet.
        foreach (var plan in (string[])["pro", "unlimited", "pro"])
            (await subscriber.Account.Key.PostAsync("/billing/checkout", new { plan })).ShouldBeProblem(
                409, "conflict").Detail!.ShouldContain("under way");
        billing.Stripe.Checkouts.Count.ShouldBe(1);

        billing.Stripe.Set(subscriber.CustomerId, Subscriptions.Pro("canceled"));
        (await subscriber.Account.Key.PostAsync("/billing/checkout", new { plan = "pro" })).Status.ShouldBe(200);
        billing.Stripe.Checkouts.Count.ShouldBe(2);
    }

    [Theory, OnBothEngines]
    public async Task A_payment_that_never_arrives_stops_blocking_a_new_checkout(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        billing.Stripe.SetCheckout(
            billing.Stripe.Checkouts.Single().Id, StripeCheckoutSession.Complete, expiresAt: billing.Clock.GetUtcNow().AddDays(-20));
        Task<Answer> Start() => subscriber.Account.Key.PostAsync("/billing/checkout", new { plan = "pro" });

        (await Start()).ShouldBeProblem(409, "conflict");
        billing.Clock.Jump(TimeSpan.FromDays(2));

        (await Start()).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task Concurrent_requests_for_different_plans_leave_at_most_one_open_checkout(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var account = await billing.Own.SignUpAsync();
        await account.WarmUpAsync();

        var answers = await Task.WhenAll(
            Enumerable.Range(0, 20).Select(
                i => account.Key.PostAsync("/billing/checkout", new { plan = i % 2 == 0 ? "pro" : "unlimited" })));

        answers.ShouldAllBe(answer => answer.Status == 200 || answer.Status == 409);
        billing.Stripe.Checkouts.Count(session => session.Status == StripeCheckoutSession.Open).ShouldBeLessThanOrEqualTo(1);
    }

    [Theory, OnBothEngines]
    public async Task A_checkout_with_an_existing_subscription_is_refused_with_the_portal_address(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();

        foreach (var status in (string[])["active", "trialing", "past_due", "unpaid"])
        {
            // No event is sent: the server must read it from Stripe.
            billing.Stripe.Set(subscriber.CustomerId, Subscriptions.Pro(status));
            var answer = await subscriber.Account.Key.PostAsync("/billing/checkout", new { plan = "unlimited" });
            answer.ShouldBeProblem(409, "already_subscribed", status)["portal_url"].GetString().ShouldStartWith($"https://portal.example/{subscriber.CustomerId}");
        }

        billing.Stripe.Set(subscriber.CustomerId, Subscriptions.Pro("canceled"));
        (await subscriber.Account.Key.PostAsync("/billing/checkout", new { plan = "unlimited" })).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task A_subscription_to_something_else_keeps_nobody_from_a_plan(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        billing.Stripe.Set(subscriber.CustomerId, Subscriptions.Of("sub_support", "active", SupportContract));

        (await subscriber.Account.Key.PostAsync("/billing/checkout", new { plan = "pro" })).Status.ShouldBe(200);
        billing.Stripe.SubscriptionsOf(subscriber.CustomerId).Single().Status.ShouldBe("active");
    }

    [Theory, OnBothEngines]
    public async Task An_incomplete_subscription_is_cancelled_and_keeps_nobody_from_a_plan(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        billing.Stripe.Set(
            subscriber.CustomerId, Subscriptions.Pro("incomplete"), Subscriptions.Of("sub_support", "incomplete", SupportContract));

        (await subscriber.Account.Key.PostAsync("/billing/checkout", new { plan = "unlimited" })).Status.ShouldBe(200);

        billing.Stripe.SubscriptionsOf(subscriber.CustomerId).Select(found => found.Status).ShouldBe(["canceled", "incomplete"]);
    }

    [Theory, OnBothEngines]
    public async Task A_customer_deleted_at_Stripe_is_replaced_by_a_new_one(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro());
        await subscriber.WaitForPlanAsync("pro");

        billing.Stripe.Delete(subscriber.CustomerId);
        await subscriber.SendEventAsync("customer.deleted");

        await subscriber.WaitForPlanAsync("free");
        (await subscriber.Account.Key.GetAsync("/billing/portal")).ShouldBeProblem(400, "no_billing_account");
        (await subscriber.Account.Key.PostAsync("/billing/checkout", new { plan = "pro" })).Status.ShouldBe(200);
        billing.Stripe.CustomersCreated.ShouldBe(2);
        billing.Stripe.Checkouts[^1].Customer.ShouldNotBe(subscriber.CustomerId);
    }

    [Theory, OnBothEngines]
    public async Task A_subscription_of_a_customer_that_exists_again_prevents_a_second_one(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        // As with the key of another Stripe account, which does not have this customer.
        billing.Stripe.Delete(subscriber.CustomerId);
        await subscriber.SendEventAsync("customer.deleted");
        await billing.WaitUntilProcessedAsync();
        (await subscriber.Account.Key.PostAsync("/billing/checkout", new { plan = "pro" })).Status.ShouldBe(200);
        var other = billing.Stripe.Checkouts[^1].Customer!;

        // As with the right key again.
        billing.Stripe.Add(new StripeCustomer(subscriber.CustomerId));
        billing.Stripe.Set(subscriber.CustomerId, Subscriptions.Pro());
        billing.Stripe.Delete(other);
        await BillingServer.DeliverAsync(billing.Own.Server, BillingServer.Event(other, "customer.deleted"));
        await billing.WaitUntilProcessedAsync();

        (await subscriber.Account.Key.PostAsync("/billing/checkout", new { plan = "pro" })).Status.ShouldBe(409);
        await subscriber.WaitForPlanAsync("pro");
        billing.Stripe.CustomersCreated.ShouldBe(2);
    }

    [Theory, OnBothEngines]
    public async Task A_checkout_in_another_mode_keeps_the_customer_id_of_an_earlier_system(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var account = await billing.Own.SignUpAsync();
        await billing.Store.ReadSqlAsync($"update profiles set stripe_customer_id = 'cus_live' where id = '{account.UserId}' returning id");

        (await account.Key.PostAsync("/billing/checkout", new { plan = "pro" })).Status.ShouldBe(200);

        billing.Stripe.Checkouts[^1].Customer.ShouldNotBe("cus_live");
        (await billing.Store.ReadSqlAsync("select stripe_customer_id from profiles")).ShouldBe("cus_live");
    }

    [Theory, OnBothEngines]
    public async Task The_portal_has_an_address_only_for_an_account_with_a_customer(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        var other = await billing.Own.SignUpAsync();

        var answer = await subscriber.Account.Key.GetAsync("/billing/portal");

        answer.Status.ShouldBe(200);
        answer["portal_url"].GetString()!.ShouldStartWith($"https://portal.example/{subscriber.CustomerId}");
        (await other.Key.GetAsync("/billing/portal")).ShouldBeProblem(400, "no_billing_account").Detail!.ShouldStartWith(
            "No billing account. Subscribe first at ");
    }

    [Theory]
    [InlineData("free")]
    [InlineData("enterprise")]
    [InlineData("PRO")]
    [InlineData("")]
    [InlineData(null)]
    public async Task Only_pro_and_unlimited_are_sold(string? plan)
    {
        await using var billing = await BillingServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);
        var account = await billing.Own.SignUpAsync();

        (await account.Key.PostAsync("/billing/checkout", new { plan })).ShouldBeProblem(400, "malformed").Detail.ShouldBe(
            "Invalid plan. Use 'pro' or 'unlimited'");
    }

    [Fact]
    public async Task Without_a_key_billing_is_not_configured_and_everything_else_works()
    {
        await using var billing = await BillingServer.StartAsync(
            StorageEngine.Sqlite,
            servers.Postgres,
            settings: new Dictionary<string, string?> { ["STRIPE_SECRET_KEY"] = null, ["environment"] = "Production" });
        var account = await billing.Own.SignUpAsync();

        (await account.Key.PostAsync("/billing/checkout", new { plan = "pro" })).ShouldBeProblem(503, "billing_not_configured");
        (await account.Key.GetAsync("/billing/portal")).ShouldBeProblem(503, "billing_not_configured");
        (await account.Key.GetAsync("/billing/subscription")).ShouldBeProblem(503, "billing_not_configured");
        (await account.ReserveAsync()).Status.ShouldBe(201);
    }

    [Fact]
    public async Task A_key_without_the_scope_may_not_buy()
    {
        await using var billing = await BillingServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);
        var account = await billing.Own.SignUpAsync();
        var key = await account.Session.PostAsync("/auth/api-keys", new { scopes = new[] { "quota" } });
        var caller = billing.Own.Server.WithKey(key["api_key"].GetString()!);

        (await caller.PostAsync("/billing/checkout", new { plan = "pro" })).ShouldBeProblem(403, "scope_missing");
        (await caller.GetAsync("/billing/portal")).ShouldBeProblem(403, "scope_missing");
        (await caller.GetAsync("/billing/subscription")).ShouldBeProblem(403, "scope_missing");
        (await caller.GetAsync("/billing/invoices")).ShouldBeProblem(403, "scope_missing");
    }

    [Theory, OnBothEngines]
    public async Task An_account_that_never_subscribed_is_on_the_free_plan(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var account = await billing.Own.SignUpAsync();

        (await account.Key.GetAsync("/billing/subscription")).ShouldBeJson(200, """
            {"plan":"free","status":null,"cancelling":false,"current_period_end":null,"grace_ends_at":null,"stripe_subscription_id":null,
             "interval":null,"quantity":null,"trial_ends_at":null,"scheduled_plan":null,"scheduled_at":null}
            """);
    }

    [Theory, OnBothEngines]
    public async Task Returning_from_Stripe_updates_the_plan_without_a_webhook(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        billing.Stripe.Set(subscriber.CustomerId, Subscriptions.Pro());

        var back = await BillingServer.ReturnFromStripeAsync(billing.Own.Server, billing.Store, subscriber.CustomerId, "success");

        back.Status.ShouldBe(302);
        back.Headers.Location!.ToString().ShouldBe($"{billing.Own.Server.Address.OriginalString.TrimEnd('/')}/billing?success=true");
        (await subscriber.PlanAsync()).ShouldBe("pro");
    }

    [Theory, OnBothEngines]
    public async Task The_subscription_of_a_deleted_account_is_cancelled(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro());
        await subscriber.WaitForPlanAsync("pro");

        await subscriber.DeleteAccountAsync();

        await billing.WaitUntilProcessedAsync();
        billing.Stripe.SubscriptionsOf(subscriber.CustomerId).Single().Status.ShouldBe("canceled");
    }

    [Theory, OnBothEngines]
    public async Task A_subscription_to_something_else_goes_on_when_the_account_is_deleted(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro(id: "sub_1"));
        await subscriber.WaitForPlanAsync("pro");
        // The price was replaced by one without a plan; that the subscription is ours is remembered.
        billing.Stripe.Set(
            subscriber.CustomerId, Subscriptions.Of("sub_1", "active", new StripePrice("price_new")),
            Subscriptions.Of("sub_support", "active", SupportContract));

        await subscriber.DeleteAccountAsync();

        await billing.WaitUntilProcessedAsync();
        billing.Stripe.SubscriptionsOf(subscriber.CustomerId).Select(found => found.Status).ShouldBe(["canceled", "active"]);
    }

    [Theory, OnBothEngines]
    public async Task The_open_checkout_of_a_deleted_account_is_closed(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        billing.Stripe.FailNextExpiries(1);

        await subscriber.DeleteAccountAsync();
        await billing.WaitForCountAsync("select count(*) from stripe_events where state = 'pending' and attempts = 1", 1);
        billing.Jump(TimeSpan.FromSeconds(2));

        await billing.WaitUntilProcessedAsync();
        billing.Stripe.Checkouts.Single().Status.ShouldBe("expired");
    }
}
