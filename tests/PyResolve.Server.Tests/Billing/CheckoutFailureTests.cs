using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Billing;

/// <summary>When Stripe fails, nothing is sold twice, and the next request can succeed.</summary>
public sealed class CheckoutFailureTests(SharedServers servers)
{
    [Theory]
    [InlineData("You cannot combine currencies on a single customer. This one has a subscription in eur.", null, "currency_conflict")]
    [InlineData("The price specified is inactive. This field only accepts active prices.", "line_items[0][price]", "plan_not_for_sale")]
    public async Task A_refusal_that_is_the_buyers_is_told_to_the_buyer(string message, string? param, string code)
    {
        await using var billing = await BillingServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);
        var account = await billing.Own.SignUpAsync();
        billing.Stripe.RefusesCheckouts =
            new StripeException($"Stripe answered 400: {message}") { Status = 400, Type = "invalid_request_error", Param = param };

        (await account.Key.PostAsync("/billing/checkout", new { plan = "pro" })).ShouldBeProblem(409, code);

        billing.Stripe.RefusesCheckouts = null;
        (await account.Key.PostAsync("/billing/checkout", new { plan = "pro" })).Status.ShouldBe(200);
    }

    [Fact]
    public async Task A_refusal_that_is_the_operators_is_told_to_the_operator()
    {
        await using var billing = await BillingServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);
        var account = await billing.Own.SignUpAsync();
        billing.Stripe.RefusesCheckouts = new StripeException("Stripe answered 400: Set up tax first.") { Status = 400 };

        (await account.Key.PostAsync("/billing/checkout", new { plan = "pro" })).ShouldBeProblem(503, "billing_not_configured");
    }

    [Theory, OnBothEngines]
    public async Task A_checkout_that_could_not_be_closed_is_closed_before_another_is_made(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var account = await billing.Own.SignUpAsync();
        await account.Key.PostAsync("/billing/checkout", new { plan = "pro" });
        billing.Stripe.FailNextExpiries(2);

        (await account.Key.PostAsync("/billing/checkout", new { plan = "unlimited" })).ShouldBeProblem(503, "unavailable");
        (await account.Key.PostAsync("/billing/checkout", new { plan = "unlimited" })).ShouldBeProblem(503, "unavailable");
        billing.Stripe.Checkouts.Select(session => session.Status).ShouldBe(["open"]);
        (await account.Key.PostAsync("/billing/checkout", new { plan = "unlimited" })).Status.ShouldBe(200);

        billing.Stripe.Checkouts.Select(session => session.Status).ShouldBe(["expired", "open"]);
    }

    [Theory, OnBothEngines]
    public async Task A_failure_that_Stripe_repeats_for_its_idempotency_key_does_not_block_the_next_request(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var account = await billing.Own.SignUpAsync();
        Task<Answer> Start() => account.Key.PostAsync("/billing/checkout", new { plan = "pro" });

        billing.Stripe.FailNextCreations(1);
        (await Start()).ShouldBeProblem(503, "unavailable");
        billing.Stripe.FailNextCreations(0);
        (await Start()).Status.ShouldBe(200);
        billing.Stripe.CustomersCreated.ShouldBe(2);
        (await billing.Store.ReadNumberAsync("select count(*) from billing_customers")).ShouldBe(1);

        billing.Stripe.FailNextCreations(1);
        (await account.Key.PostAsync("/billing/checkout", new { plan = "unlimited" })).ShouldBeProblem(503, "unavailable");
        (await account.Key.PostAsync("/billing/checkout", new { plan = "unlimited" })).Status.ShouldBe(200);
        // A checkout that was created despite the failure is closed.
        billing.Stripe.Checkouts.Select(session => session.Status).ShouldBe(["expired", "expired", "open"]);
    }

    [Theory, OnBothEngines]
    public async Task No_checkout_is_created_for_an_account_that_is_deleted_during_the_request(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        billing.Stripe.SetCheckout(billing.Stripe.Checkouts.Single().Id, "expired");
        billing.Stripe.OnReadSubscriptions = (_, _) =>
        {
            billing.Stripe.OnReadSubscriptions = static (_, _) => Task.CompletedTask;
            return subscriber.DeleteAccountAsync();
        };

        var answer = await subscriber.Account.Key.PostAsync("/billing/checkout", new { plan = "pro" });

        answer.ShouldBeProblem(401, "unauthenticated");
        billing.Stripe.Checkouts.Count.ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task A_checkout_created_just_after_its_account_was_deleted_is_closed_and_not_returned(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        billing.Stripe.OnCreateCheckout = async () =>
        {
            await subscriber.DeleteAccountAsync();
            await billing.WaitUntilProcessedAsync();
        };

        var answer = await subscriber.Account.Key.PostAsync("/billing/checkout", new { plan = "unlimited" });

        answer.ShouldBeProblem(401, "unauthenticated");
        billing.Stripe.Checkouts.Select(session => session.Status).ShouldBe(["expired", "expired"]);
    }

    [Fact]
    public async Task While_Stripe_is_down_the_answer_says_to_try_again()
    {
        await using var billing = await BillingServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);
        var account = await billing.Own.SignUpAsync();
        billing.Stripe.FailNext(1);

        var answer = await account.Key.PostAsync("/billing/checkout", new { plan = "pro" });

        answer.ShouldBeProblem(503, "unavailable");
        answer.Headers.RetryAfter.ShouldNotBeNull();
        (await account.Key.PostAsync("/billing/checkout", new { plan = "pro" })).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task A_failed_lookup_of_a_customer_does_not_create_another_customer(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var account = await billing.Own.SignUpAsync();
        await billing.Store.ReadSqlAsync(
            $"update profiles set stripe_customer_id = 'cus_earlier' where id = '{account.UserId}' returning id");
        billing.Stripe.Add(new StripeCustomer("cus_earlier"));
        billing.Stripe.OnFindCustomer = static _ => throw new StripeException("Stripe cannot be reached.");

        (await account.Key.PostAsync("/billing/checkout", new { plan = "pro" })).Status.ShouldBe(503);
        billing.Stripe.OnFindCustomer = static _ => Task.CompletedTask;
        (await account.Key.PostAsync("/billing/checkout", new { plan = "pro" })).Status.ShouldBe(200);

        billing.Stripe.CustomersCreated.ShouldBe(0);
        billing.Stripe.Checkouts.Single().Customer.ShouldBe("cus_earlier");
    }
}
