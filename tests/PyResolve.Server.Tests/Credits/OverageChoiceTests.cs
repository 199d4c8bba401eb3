using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Tests.Billing;
using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Credits;

/// <summary>An account uses overage only where a subscription bills it.</summary>
public sealed class OverageChoiceTests(SharedServers servers)
{
    private static readonly StripePrice Foreign = new("price_other")
    {
        Product = "pyresolve_pro",
        Recurring = new("month", "metered") { Meter = "mtr_other" },
    };

    [Theory, OnBothEngines]
    public async Task The_limit_adds_the_price_and_overage_begins(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await SubscribeAsync(shop, Subscriptions.Pro());

        (await SetAsync(subscriber, 5))["overage_cap"].GetInt64().ShouldBe(5);
        await subscriber.SendEventAsync();
        await shop.WaitUntilProcessedAsync();

        shop.Stripe.MeteredItems.ShouldBe([("sub_1", "price_overage")]);
        (await subscriber.Account.ReserveAsync(quantity: 5)).Status.ShouldBe(201);
    }

    [Theory, OnBothEngines]
    public async Task Another_metered_price_of_the_product_does_not_bill_overage(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        shop.Stripe.Meters["pyresolve_pro_overage"] = "mtr_overage";
        var subscriber = await SubscribeAsync(shop, Subscriptions.Of("sub_1", "active", Subscriptions.ProPrice, Foreign));

        (await SetAsync(subscriber, 5)).Status.ShouldBe(200);

        shop.Stripe.MeteredItems.ShouldBe([("sub_1", "price_overage")]);
    }

    [Theory, OnBothEngines]
    public async Task An_older_price_of_the_meter_bills_it_and_stays_alone(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        shop.Stripe.Meters["pyresolve_pro_overage"] = "mtr_other";
        var subscriber = await SubscribeAsync(shop, Subscriptions.Of("sub_1", "active", Subscriptions.ProPrice, Foreign));

        (await SetAsync(subscriber, 5)).Status.ShouldBe(200);

        shop.Stripe.MeteredItems.ShouldBeEmpty();
    }

    [Theory, OnBothEngines]
    public async Task An_item_that_Stripe_did_not_add_begins_no_overage(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await SubscribeAsync(shop, Subscriptions.Pro());
        shop.Stripe.RepeatsAnswersToItems = true;

        (await SetAsync(subscriber, 5)).ShouldBeProblem(409, "conflict").Detail!.ShouldContain("Try again in an hour");

        (await subscriber.Account.ReserveAsync()).Status.ShouldBe(402);
    }

    [Theory, OnBothEngines]
    public async Task A_plan_that_the_operator_gave_has_no_overage_that_nothing_bills(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await SubscribeAsync(shop, Subscriptions.Pro());
        await SetAsync(subscriber, 5);

        await shop.Store.ExecuteSqlAsync("update profiles set plan = 'unlimited'");

        (await subscriber.Account.Key.GetAsync("/quota"))["overage_cap"].GetInt64().ShouldBe(0);
        (await subscriber.Account.ReserveAsync()).Status.ShouldBe(402);
        (await SetAsync(subscriber, 5)).ShouldBeProblem(409, "conflict");
    }

    [Theory, OnBothEngines]
    public async Task A_trial_has_no_overage(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await SubscribeAsync(shop, Subscriptions.Pro("trialing"));

        (await SetAsync(subscriber, 5)).ShouldBeProblem(409, "conflict").Detail!.ShouldContain("trial");
    }

    [Theory, OnBothEngines]
    public async Task A_limit_above_the_plans_is_refused_and_0_works_while_Stripe_is_away(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await SubscribeAsync(shop, Subscriptions.Pro());
        await SetAsync(subscriber, 5);

        (await SetAsync(subscriber, 101)).ShouldBeProblem(422, "invalid");
        shop.Stripe.FailNext(1_000);
        (await SetAsync(subscriber, 0))["overage_cap"].GetInt64().ShouldBe(0);
    }

    [Theory, OnBothEngines]
    public async Task Credits_are_bought_by_themselves(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await SubscribeAsync(shop, Subscriptions.Pro());
        var refused = await subscriber.Account.Key.PostAsync(
            "/billing/checkout", new { credits = "small", plan = "pro", interval = "month", quantity = 2 });

        refused.Status.ShouldBe(422);
        foreach (var member in new[] { "plan", "interval", "quantity" })
            refused.Text.ShouldContain($"\"{member}\"");
        (await subscriber.Account.ReserveAsync()).ShouldBeProblem(402, "quota_exceeded").Detail!
            .ShouldContain("Buy credits, or raise the limit of overage, at ");
    }

    private async Task<BillingServer> StartAsync(StorageEngine engine)
    {
        var settings = CreditShop.Settings(limit: 0);
        settings["STRIPE_PRICE_PRO_OVERAGE"] = "price_overage";
        settings["PyResolve:Credits:small:Units"] = "40";
        settings["PyResolve:Credits:small:Amount"] = "900";
        settings["PyResolve:Plans:unlimited:MigrationsLimit"] = "0";
        settings["PyResolve:Plans:unlimited:Overage:UnitAmount"] = "10";
        return await BillingServer.StartAsync(engine, servers.Postgres, settings: settings);
    }

    private static async Task<Subscriber> SubscribeAsync(BillingServer shop, StripeSubscription subscription)
    {
        var subscriber = await shop.SignUpAsync();
        await subscriber.SetSubscriptionsAsync(subscription);
        await subscriber.WaitForPlanAsync("pro");
        return subscriber;
    }

    private static Task<Answer> SetAsync(Subscriber subscriber, int cap) =>
        subscriber.Account.Key.PostAsync("/billing/overage", new { cap });
}
