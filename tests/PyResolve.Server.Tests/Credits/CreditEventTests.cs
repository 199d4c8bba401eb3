using System.Text.Json;
using PyResolve.Server.Audit;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Webhooks;
using PyResolve.Server.Tests.Billing;

namespace PyResolve.Server.Tests.Credits;

/// <summary>Stripe's events say when to look; what was paid gives its credits once.</summary>
public sealed class CreditEventTests(SharedServers servers)
{
    [Theory, OnEveryEngine]
    public async Task A_payment_of_which_Stripe_tells_several_times_gives_its_credits_once(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await shop.SignUpAsync();
        await PayAsync(shop, subscriber);

        await Task.WhenAll(Enumerable.Range(0, 5).Select(number => DeliverAsync(shop, subscriber, $"evt_credits_{number % 3}")));

        await shop.WaitUntilProcessedAsync();
        (await shop.Store.ReadNumberAsync("select sum(units) from credit_grants")).ShouldBe(40);
    }

    [Theory, OnEveryEngine]
    public async Task Several_purchases_are_given_and_a_later_look_changes_only_what_has_changed(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await shop.SignUpAsync();
        await PayAsync(shop, subscriber);
        var (one, two) = (Paid(subscriber.Account.UserId), Paid(subscriber.Account.UserId) with { SessionId = "cs_two", ValidDays = 30 });
        shop.Stripe.PaidCredits[subscriber.CustomerId] = [one, two];
        await DeliverAsync(shop, subscriber, "evt_two");
        await shop.WaitUntilProcessedAsync();

        shop.Stripe.PaidCredits[subscriber.CustomerId] = [one, two with { RefundedPercent = 26 }, two with { SessionId = "cs_three" }];
        await DeliverAsync(shop, subscriber, "evt_three");
        await shop.WaitUntilProcessedAsync();

        (await shop.Store.ReadNumberAsync("select sum(units) from credit_grants")).ShouldBe(3 * 40);
        (await shop.Store.ReadNumberAsync("select sum(taken) from credit_grants")).ShouldBe(11);
        (await shop.Store.ReadNumberAsync("select count(*) from credit_grants where expires_at is not null")).ShouldBe(2);
    }

    [Theory, OnEveryEngine]
    public async Task A_payment_that_names_another_account_gives_nothing(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var (payer, other) = (await shop.SignUpAsync(), await shop.SignUpAsync());
        shop.Stripe.PaidCredits[payer.CustomerId] = [Paid(other.Account.UserId)];

        await DeliverAsync(shop, payer, "evt_credits_other");

        await shop.WaitUntilProcessedAsync();
        (await shop.Store.ReadNumberAsync("select count(*) from credit_grants")).ShouldBe(0);
    }

    [Theory, OnEveryEngine]
    public async Task A_refund_of_credits_is_looked_at_and_one_of_a_plan_is_left_to_the_operator(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await shop.SignUpAsync();
        await PayAsync(shop, subscriber);
        await DeliverAsync(shop, subscriber, "evt_credits_paid");
        await shop.WaitUntilProcessedAsync();
        shop.Stripe.PaidCredits[subscriber.CustomerId] = [Paid(subscriber.Account.UserId) with { RefundedPercent = 100 }];

        await RefundAsync(shop, subscriber, "evt_refund_plan", "plan");
        (await shop.Store.ReadNumberAsync("select sum(taken) from credit_grants")).ShouldBe(0);
        await RefundAsync(shop, subscriber, "evt_refund_credits", NewPurchase.UnitsKey);

        await shop.WaitUntilProcessedAsync();
        (await shop.Store.ReadNumberAsync("select sum(taken) from credit_grants")).ShouldBe(40);
    }

    [Theory, OnBothEngines]
    public async Task A_thin_event_of_a_refund_takes_credits_back_and_stays_to_be_reviewed(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await shop.SignUpAsync();
        await PayAsync(shop, subscriber);
        await DeliverAsync(shop, subscriber, "evt_credits_paid");
        await shop.WaitUntilProcessedAsync();
        shop.Stripe.PaidCredits[subscriber.CustomerId] = [Paid(subscriber.Account.UserId) with { RefundedPercent = 100 }];
        shop.Stripe.Charges.Add(new StripeCharge("ch_1") { Customer = subscriber.CustomerId });

        (await BillingServer.DeliverAsync(
            shop.Own.Server,
            """{"id":"evt_thin","object":"v2.core.event","type":"v1.charge.refunded","related_object":{"id":"ch_1"}}""")).Status
            .ShouldBe(200);

        await shop.WaitUntilProcessedAsync();
        (await shop.Store.ReadNumberAsync("select sum(taken) from credit_grants")).ShouldBe(40);
        (await shop.Store.ReadSqlAsync("select note from stripe_events where event_id = 'evt_thin'")).ShouldBe("needs review");
    }

    [Theory, OnBothEngines]
    public async Task A_thin_event_of_a_refund_stays_to_be_reviewed_also_where_it_is_tried_and_replayed(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await shop.SignUpAsync();
        shop.Stripe.Charges.Add(new StripeCharge("ch_1") { Customer = subscriber.CustomerId });
        shop.Stripe.FailNext(1);
        await BillingServer.DeliverAsync(
            shop.Own.Server,
            """{"id":"evt_thin","object":"v2.core.event","type":"v1.charge.refunded","related_object":{"id":"ch_1"}}""");
        await shop.WaitForCountAsync("select count(*) from stripe_events where attempts = 1", 1);
        shop.Clock.Jump(TimeSpan.FromSeconds(2));

        await shop.WaitForCountAsync("select count(*) from stripe_events where state = 'done' and note = 'needs review'", 1);
        await shop.Service<Inbox>().ReplayAsync("evt_thin", Origin.Operator, TestContext.Current.CancellationToken);

        await shop.WaitUntilProcessedAsync();
        (await shop.Store.ReadSqlAsync("select state || ': ' || note from stripe_events")).ShouldBe("done: needs review");
    }

    [Theory, OnBothEngines]
    public async Task A_refund_takes_credits_back_also_where_the_customer_was_deleted_at_Stripe(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await shop.SignUpAsync();
        await PayAsync(shop, subscriber);
        await DeliverAsync(shop, subscriber, "evt_credits_paid");
        await shop.WaitUntilProcessedAsync();
        shop.Stripe.PaidCredits[subscriber.CustomerId] = [Paid(subscriber.Account.UserId) with { RefundedPercent = 100 }];
        shop.Stripe.Delete(subscriber.CustomerId);

        await RefundAsync(shop, subscriber, "evt_refund", NewPurchase.UnitsKey);

        await shop.WaitUntilProcessedAsync();
        (await shop.Store.ReadNumberAsync("select sum(taken) from credit_grants")).ShouldBe(40);
    }

    [Theory, OnBothEngines]
    public async Task An_event_of_a_customer_that_Stripe_has_no_more_is_done(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await shop.SignUpAsync();
        shop.Stripe.Forget(subscriber.CustomerId);

        await DeliverAsync(shop, subscriber, "evt_first");
        await shop.WaitForCountAsync("select count(*) from stripe_events where state = 'done'", 1);
        await DeliverAsync(shop, subscriber, "evt_second");

        await shop.WaitForCountAsync("select count(*) from stripe_events where state = 'ignored'", 1);
    }

    [Theory, OnBothEngines]
    public async Task A_payment_that_arrives_after_the_account_was_deleted_is_to_be_reviewed(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await shop.SignUpAsync();
        await subscriber.DeleteAccountAsync();
        await shop.WaitUntilProcessedAsync();
        shop.Stripe.PaidCredits[subscriber.CustomerId] = [Paid(subscriber.Account.UserId)];

        await DeliverAsync(shop, subscriber, "evt_debit");

        await shop.WaitUntilProcessedAsync();
        (await shop.Store.ReadSqlAsync("select note from stripe_events where event_id = 'evt_debit'")).ShouldBe("needs review");
    }

    [Theory, OnEveryEngine]
    public async Task A_dispute_stays_to_be_reviewed_and_takes_credits_until_it_is_won(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await shop.SignUpAsync();
        await PayAsync(shop, subscriber);
        var paid = Paid(subscriber.Account.UserId);

        foreach (var (percent, taken) in new[] { (100, 40), (0, 0) })
        {
            shop.Stripe.PaidCredits[subscriber.CustomerId] = [paid with { RefundedPercent = percent }];
            await SendAsync(
                shop, $"evt_dispute_{percent}", "charge.dispute.updated",
                new { id = "dp_1", @object = "dispute", customer = subscriber.CustomerId });
            await shop.WaitUntilProcessedAsync();
            (await shop.Store.ReadNumberAsync("select sum(taken) from credit_grants")).ShouldBe(taken);
        }

        (await shop.Store.ReadNumberAsync(
            "select count(*) from stripe_events where note = 'needs review' and state = 'done'")).ShouldBe(2);
    }

    [Theory, OnEveryEngine]
    public async Task Credits_of_a_pack_that_is_sold_no_more_arrive_and_last_from_their_payment(StorageEngine engine)
    {
        await using var shop = await BillingServer.StartAsync(engine, servers.Postgres, settings: CreditShop.Settings(limit: 0));
        var subscriber = await shop.SignUpAsync();
        shop.Stripe.PaidCredits[subscriber.CustomerId] = [Paid(subscriber.Account.UserId) with { ValidDays = 30 }];

        await DeliverAsync(shop, subscriber, "evt_late");
        await shop.WaitUntilProcessedAsync();
        shop.Clock.Jump(TimeSpan.FromDays(29));
        await DeliverAsync(shop, subscriber, "evt_again");
        await shop.WaitUntilProcessedAsync();

        await shop.Store.ExecuteSqlAsync("update profiles set plan = 'pro', plan_origin = null");
        (await CreditShop.ReadAsync(subscriber.Account)).Credits.ShouldBe(40);
        shop.Clock.Jump(TimeSpan.FromDays(1));
        (await CreditShop.ReadAsync(subscriber.Account)).Credits.ShouldBe(0);
    }

    [Theory, OnEveryEngine]
    public async Task Credits_that_are_paid_right_after_a_return_from_another_page_are_there_on_the_next_return(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await shop.SignUpAsync();
        await BillingServer.ReturnFromStripeAsync(shop.Own.Server, shop.Store, subscriber.CustomerId);
        await PayAsync(shop, subscriber);

        await BillingServer.ReturnFromStripeAsync(shop.Own.Server, shop.Store, subscriber.CustomerId, "success");

        (await shop.Store.ReadNumberAsync("select sum(units) from credit_grants")).ShouldBe(40);
    }

    private Task<BillingServer> StartAsync(StorageEngine engine)
    {
        var settings = CreditShop.Settings(limit: 0);
        settings["PyResolve:Credits:small:Units"] = "40";
        settings["PyResolve:Credits:small:Amount"] = "900";
        settings["STRIPE_PRICE_CREDITS_SMALL"] = "price_credits";
        return BillingServer.StartAsync(engine, servers.Postgres, settings: settings);
    }

    private static async Task PayAsync(BillingServer shop, Subscriber subscriber)
    {
        await shop.Store.ExecuteSqlAsync("update profiles set plan = 'pro', plan_origin = null");
        (await subscriber.Account.Key.PostAsync("/billing/checkout", new { credits = "small" })).Status.ShouldBe(200);
        shop.Stripe.Purchases.Single().ShouldBe(
            shop.Stripe.Purchases[0] with { UserId = subscriber.Account.UserId, Price = "price_credits", Units = 40 });
        shop.Stripe.PaidCredits[subscriber.CustomerId] = [Paid(subscriber.Account.UserId)];
    }

    private static PaidCredits Paid(Guid userId) =>
        new("cs_paid", userId, 40, ValidDays: null, RefundedPercent: 0);

    private static Task DeliverAsync(BillingServer shop, Subscriber subscriber, string id) => SendAsync(
        shop, id, "checkout.session.completed",
        new { id = "cs_paid", @object = "checkout.session", mode = "payment", customer = subscriber.CustomerId });

    private static Task RefundAsync(BillingServer shop, Subscriber subscriber, string id, string key) => SendAsync(
        shop, id, "charge.refunded",
        new
        {
            id = "ch_1",
            @object = "charge",
            customer = subscriber.CustomerId,
            metadata = new Dictionary<string, string> { [key] = "40" },
        });

    private static async Task SendAsync(BillingServer shop, string id, string type, object subject)
    {
        var body = JsonSerializer.Serialize(
            new { id, @object = "event", type, livemode = false, created = 1_763_208_000, data = new { @object = subject } });
        (await BillingServer.DeliverAsync(shop.Own.Server, body)).Status.ShouldBe(200);
    }
}
