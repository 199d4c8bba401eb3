using System.Text.Json;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Webhooks;

namespace PyResolve.Server.Tests.Billing;

/// <summary>A dispute is logged. It ends a plan only if the operator has configured that, and only until it is won.</summary>
public sealed class DisputeTests(SharedServers servers)
{
    private static readonly Dictionary<string, string?> Strict = new() { ["PyResolve:Stripe:DisputeEndsPlan"] = "true" };

    [Theory, OnBothEngines]
    public async Task By_default_a_dispute_and_a_refund_are_logged_once_and_change_no_plan(StorageEngine engine)
    {
        var log = new LogRecorder();
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres, log: log);
        var subscriber = await billing.SignUpAsync();
        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro());
        await subscriber.WaitForPlanAsync("pro");
        Dispute(billing, subscriber, "lost");
        var (dispute, refund) = (Event("charge.dispute.created", "dispute"), BillingServer.Event(subscriber.CustomerId, "charge.refunded"));

        foreach (var body in new[] { dispute, refund, dispute, refund })
            (await billing.DeliverAsync(body)).Status.ShouldBe(200);
        await billing.WaitUntilProcessedAsync();

        (await subscriber.PlanAsync()).ShouldBe("pro");
        log.Lines.Where(line => line.StartsWith("Stripe reports ", StringComparison.Ordinal)).Select(line => line.Split(' ')[2])
            .ShouldBe(["charge.dispute.created", "charge.refunded"]);
    }

    [Theory, OnBothEngines]
    public async Task If_configured_a_dispute_ends_the_plan_until_it_is_won(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres, settings: Strict);
        var subscriber = await billing.SignUpAsync();
        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro());
        await subscriber.WaitForPlanAsync("pro");

        Dispute(billing, subscriber, "needs_response");
        await billing.DeliverAsync(Event("charge.dispute.created", "dispute"));
        await subscriber.WaitForPlanAsync("free");
        (await billing.Store.ReadSqlAsync("select flags from billing_customers")).ShouldBe("disputed");

        Dispute(billing, subscriber, "won");
        await billing.DeliverAsync(Event("charge.dispute.closed", "dispute"));
        await subscriber.WaitForPlanAsync("pro");
        (await billing.Store.ReadNumberAsync("select count(*) from stripe_events where state <> 'done'")).ShouldBe(0);
    }

    [Theory, OnBothEngines]
    public async Task A_disputed_payment_ends_the_plan_even_if_it_precedes_its_subscription(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres, settings: Strict);
        var subscriber = await billing.SignUpAsync();
        billing.Stripe.ChargedAt = Subscriptions.Pro().Created!.Value.AddMinutes(-1);
        Dispute(billing, subscriber, "needs_response");

        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro());
        await billing.WaitUntilProcessedAsync();

        (await subscriber.PlanAsync()).ShouldBe("free");
    }

    [Theory]
    [InlineData("charge.dispute.updated")]
    [InlineData("charge.dispute.funds_withdrawn")]
    public async Task An_inquiry_that_becomes_a_dispute_ends_the_plan(string type)
    {
        await using var billing = await BillingServer.StartAsync(StorageEngine.Sqlite, servers.Postgres, settings: Strict);
        var subscriber = await billing.SignUpAsync();
        Dispute(billing, subscriber, "warning_needs_response");
        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro());
        await subscriber.WaitForPlanAsync("pro");

        Dispute(billing, subscriber, "needs_response");
        await billing.DeliverAsync(Event(type, "dispute"));

        await subscriber.WaitForPlanAsync("free");
        StripeEvents.Subscribed.ShouldContain(type);
    }

    [Fact]
    public void All_subscribed_event_types_fit_in_one_list_request() =>
        StripeEvents.Subscribed.Count.ShouldBeLessThanOrEqualTo(20);

    [Theory, OnBothEngines]
    public async Task A_new_subscription_after_a_lost_dispute_has_a_plan(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres, settings: Strict);
        var subscriber = await billing.SignUpAsync();
        Dispute(billing, subscriber, "lost");
        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro());
        await billing.WaitUntilProcessedAsync();
        (await subscriber.PlanAsync()).ShouldBe("free");

        await subscriber.SetSubscriptionsAsync(
            Subscriptions.Pro().Cancelled(), Subscriptions.Pro(id: "sub_2") with { Created = billing.Clock.GetUtcNow().AddDays(3) });

        await subscriber.WaitForPlanAsync("pro");
    }

    [Theory]
    [InlineData("warning_needs_response")]
    [InlineData("warning_closed")]
    [InlineData("won")]
    [InlineData("a_newer_word")]
    public async Task A_dispute_that_takes_no_money_does_not_end_the_plan(string status)
    {
        await using var billing = await BillingServer.StartAsync(StorageEngine.Sqlite, servers.Postgres, settings: Strict);
        var subscriber = await billing.SignUpAsync();
        Dispute(billing, subscriber, status);

        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro());

        await subscriber.WaitForPlanAsync("pro");
    }

    [Theory, OnBothEngines]
    public async Task A_disputed_payment_for_something_else_ends_no_plan(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres, settings: Strict);
        var subscriber = await billing.SignUpAsync();
        var support = Subscriptions.Of("sub_support", "active", new StripePrice("price_support"));
        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro(), support);
        await subscriber.WaitForPlanAsync("pro");

        foreach (var paidFor in new[] { null, "sub_support", "sub_of_nobody" })
        {
            Dispute(billing, subscriber, "lost", paidFor);
            await billing.DeliverAsync(Event("charge.dispute.created", "dispute"));
            await billing.WaitUntilProcessedAsync();
            (await subscriber.PlanAsync()).ShouldBe("pro", paidFor);
        }

        (await billing.Store.ReadSqlAsync("select flags from billing_customers")).ShouldBe("");
    }

    [Theory, OnBothEngines]
    public async Task A_disputed_payment_for_a_plan_that_was_cancelled_ends_the_one_bought_before_the_dispute(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres, settings: Strict);
        var subscriber = await billing.SignUpAsync();
        Dispute(billing, subscriber, "lost", "sub_1");

        await subscriber.SetSubscriptionsAsync(Subscriptions.Unlimited().Cancelled(), Subscriptions.Pro(id: "sub_2"));
        await billing.WaitUntilProcessedAsync();

        (await subscriber.PlanAsync()).ShouldBe("free");
    }

    [Theory, OnBothEngines]
    public async Task A_dispute_of_a_charge_without_a_customer_is_stored_and_ignored(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres, settings: Strict);

        await billing.DeliverAsync(Event("charge.dispute.created", "dispute"));

        await billing.WaitForCountAsync(
            "select count(*) from stripe_events where state = 'ignored' and note = 'the charge has no customer'", 1);
    }

    private static void Dispute(BillingServer billing, Subscriber subscriber, string status, string? paidFor = "sub_1")
    {
        billing.Stripe.Charges.Clear();
        billing.Stripe.Charges.Add(new StripeCharge("ch_1") { Customer = subscriber.CustomerId, Disputed = true });
        billing.Stripe.Disputes.Clear();
        billing.Stripe.Disputes.Add(new StripeDispute("dp_1")
        {
            Status = status,
            Created = billing.Clock.GetUtcNow().AddHours(1),
            Subscription = paidFor,
        });
    }

    private static string Event(string type, string kind) => JsonSerializer.Serialize(new
    {
        id = BillingServer.NextEventId(),
        @object = "event",
        type,
        livemode = false,
        data = new { @object = new { id = "dp_1", @object = kind, charge = "ch_1", status = "any" } },
    });
}
