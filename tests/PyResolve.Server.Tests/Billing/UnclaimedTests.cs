using System.Diagnostics.Metrics;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Reconciliation;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Commands;

namespace PyResolve.Server.Tests.Billing;

/// <summary>Whoever pays for a plan gets it, or an operator hears of it: also those who came by a payment link.</summary>
public sealed class UnclaimedTests(SharedServers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, OnBothEngines]
    public async Task A_payment_link_gives_the_plan_to_the_account_that_it_names(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var account = await billing.Own.SignUpAsync();
        Pay(billing, "cus_link", Subscriptions.Pro(), reference: account.UserId.ToString());

        await billing.DeliverAsync(BillingServer.Event("cus_link", "checkout.session.completed")
            .Replace("\"object\":\"other\"", "\"object\":\"checkout.session\",\"mode\":\"subscription\"", StringComparison.Ordinal));

        await PlanBecomesAsync(account, "pro");
        (await billing.Store.ReadNumberAsync("select count(*) from billing_unclaimed")).ShouldBe(0);
        (await account.Key.GetAsync("/billing/portal")).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task A_subscription_whose_metadata_name_an_account_gives_it_the_plan(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var account = await billing.Own.SignUpAsync();
        Pay(billing, "cus_api", Subscriptions.Unlimited() with
        {
            Metadata = new Dictionary<string, string> { ["user_id"] = account.UserId.ToString() },
        });

        await billing.DeliverAsync(BillingServer.Event("cus_api"));

        await PlanBecomesAsync(account, "unlimited");
    }

    [Theory, OnBothEngines]
    public async Task A_payer_whom_no_account_has_is_a_warning_a_count_and_a_row(StorageEngine engine)
    {
        var log = new LogRecorder();
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres, log: log);
        var counted = 0L;
        using var listener = new MeterListener
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Name == "pyresolve.billing.unclaimed_customers")
                    listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((_, count, _, _) => Interlocked.Add(ref counted, count));
        listener.Start();
        var customer = $"cus_stranger_{Guid.CreateVersion7():N}";
        Pay(billing, customer, Subscriptions.Pro(), reference: "an order number");

        for (var i = 0; i < 2; i++)
            await billing.DeliverAsync(BillingServer.Event(customer));
        await billing.WaitUntilProcessedAsync();

        (await billing.Service<UnclaimedCustomers>().ListAsync(Cancellation)).ShouldBe(
            [new UnclaimedCustomer(customer, "sub_1", "pro", billing.Clock.GetUtcNow())]);
        log.Lines.Count(line => line.Contains(customer, StringComparison.Ordinal)).ShouldBe(1);
        counted.ShouldBeGreaterThanOrEqualTo(1);
        (await billing.Store.ReadNumberAsync(
            "select count(*) from stripe_events where state = 'ignored' and note like '%stripe unclaimed%'")).ShouldBe(2);
    }

    [Theory, OnBothEngines]
    public async Task A_second_customer_that_pays_for_an_account_is_unclaimed(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        Pay(billing, "cus_second", Subscriptions.Pro(id: "sub_2"), reference: subscriber.Account.UserId.ToString());

        await billing.DeliverAsync(BillingServer.Event("cus_second"));
        await billing.WaitUntilProcessedAsync();

        (await subscriber.PlanAsync()).ShouldBe("free");
        (await billing.Store.ReadSqlAsync("select customer_id from billing_unclaimed")).ShouldBe("cus_second");
    }

    [Theory, OnBothEngines]
    public async Task A_second_customer_that_pays_takes_the_place_of_the_first_on_the_operators_command(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        billing.Stripe.Set(subscriber.CustomerId, Subscriptions.Pro("canceled"));
        Pay(billing, "cus_second", Subscriptions.Pro(id: "sub_2"), reference: subscriber.Account.UserId.ToString());
        await billing.DeliverAsync(BillingServer.Event("cus_second"));
        await billing.WaitUntilProcessedAsync();

        (await SyncAsync(billing, "cus_second", isDryRun: true)).ShouldBe(0);
        (await subscriber.PlanAsync()).ShouldBe("free");
        (await SyncAsync(billing, "cus_second")).ShouldBe(0);

        (await subscriber.PlanAsync()).ShouldBe("pro");
        (await billing.Store.ReadNumberAsync("select count(*) from billing_unclaimed")).ShouldBe(0);
        (await subscriber.Account.Key.GetAsync("/billing/portal"))["portal_url"].GetString().ShouldStartWith(
            "https://portal.example/cus_second");
        billing.Stripe.Checkouts.Count(static session => session.Status == StripeCheckoutSession.Open).ShouldBe(0);
    }

    [Theory, OnBothEngines]
    public async Task A_second_customer_takes_the_place_of_one_that_Stripe_has_no_more(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        Pay(billing, "cus_second", Subscriptions.Pro(id: "sub_2"), reference: subscriber.Account.UserId.ToString());
        billing.Stripe.Forget(subscriber.CustomerId);

        (await SyncAsync(billing, "cus_second")).ShouldBe(0);

        (await subscriber.PlanAsync()).ShouldBe("pro");
    }

    [Theory, OnBothEngines]
    public async Task An_account_keeps_its_customer_where_the_new_one_became_another_accounts_meanwhile(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var (subscriber, faster) = (await billing.SignUpAsync(), await billing.SignUpAsync());
        var (customers, adoption) = (billing.Service<BillingCustomers>(), billing.Service<CustomerAdoption>());
        var own = (await customers.FindAsync(subscriber.CustomerId, Cancellation))!;

        (await adoption.ReplaceAsync(subscriber.Account.UserId, own, faster.CustomerId, Cancellation)).ShouldBeFalse();

        (await customers.FindLinkedAsync(subscriber.Account.UserId, Cancellation))!.Id.ShouldBe(subscriber.CustomerId);
        (await customers.FindLinkedAsync(faster.Account.UserId, Cancellation))!.Id.ShouldBe(faster.CustomerId);
    }

    [Theory, OnBothEngines]
    public async Task Of_two_customers_that_pay_the_first_stays(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        billing.Stripe.Set(subscriber.CustomerId, Subscriptions.Pro());
        Pay(billing, "cus_second", Subscriptions.Unlimited(id: "sub_2"), reference: subscriber.Account.UserId.ToString());
        await subscriber.SendEventAsync();
        await subscriber.WaitForPlanAsync("pro");

        (await SyncAsync(billing, "cus_second")).ShouldBe(1);

        (await subscriber.PlanAsync()).ShouldBe("pro");
    }

    [Theory, OnBothEngines]
    public async Task A_customer_of_another_business_is_not_noted(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var account = await billing.Own.SignUpAsync();
        var shirts = Subscriptions.Of("sub_1", "active", new StripePrice("price_shirts"));
        Pay(billing, "cus_shirts", shirts, reference: account.UserId.ToString());
        Pay(billing, "cus_unpaid", Subscriptions.Pro("incomplete", "sub_2"));

        await billing.DeliverAsync(BillingServer.Event("cus_shirts"));
        await billing.DeliverAsync(BillingServer.Event("cus_unpaid"));
        await billing.WaitUntilProcessedAsync();

        (await billing.Store.ReadNumberAsync("select count(*) from billing_unclaimed")).ShouldBe(0);
        (await billing.Store.ReadNumberAsync("select count(*) from billing_customers")).ShouldBe(0);
    }

    [Theory, OnBothEngines]
    public async Task The_nightly_comparison_finds_payers_without_an_account_and_forgets_those_who_left(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var account = await billing.Own.SignUpAsync();
        var reconciler = billing.Service<Reconciler>();
        Pay(billing, "cus_stays", Subscriptions.Pro(id: "sub_1"));
        Pay(billing, "cus_leaves", Subscriptions.Pro(id: "sub_2"));
        Pay(billing, "cus_link", Subscriptions.Unlimited(id: "sub_3"), reference: account.UserId.ToString());
        await reconciler.CompareAllAsync(Cancellation);
        (await billing.Service<UnclaimedCustomers>().ListAsync(Cancellation)).Select(static found => found.CustomerId)
            .ShouldBe(["cus_leaves", "cus_stays"]);
        await PlanBecomesAsync(account, "unlimited");

        billing.Stripe.Set("cus_leaves", Subscriptions.Pro("canceled", "sub_2"));
        billing.Clock.Advance(TimeSpan.FromMinutes(1));
        await reconciler.CompareAllAsync(Cancellation);

        (await billing.Service<UnclaimedCustomers>().ListAsync(Cancellation)).Select(static found => found.CustomerId)
            .ShouldBe(["cus_stays"]);
    }

    private static Task<int> SyncAsync(BillingServer billing, string customer, bool isDryRun = false) =>
        StripeCommands.SyncAsync(billing.Own.Server.Services, customer, isDryRun, Cancellation);

    /// <summary>A customer who never was at this server.</summary>
    private static void Pay(BillingServer billing, string customer, StripeSubscription subscription, string? reference = null)
    {
        billing.Stripe.Set(customer, subscription);
        billing.Stripe.Add(new StripeCheckoutSession($"cs_of_{customer}")
        {
            Status = StripeCheckoutSession.Complete,
            Customer = customer,
            Subscription = subscription.Id,
            ClientReferenceId = reference,
        });
    }

    private static Task<TimeSpan> PlanBecomesAsync(TestAccount account, string plan) => Eventually.IsTrueAsync(
        async () => (await account.Key.GetAsync("/quota"))["plan"].GetString() == plan,
        what: $"plan {plan}",
        cancellationToken: Cancellation);
}
