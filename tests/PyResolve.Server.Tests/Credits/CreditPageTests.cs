using PyResolve.Server.Tests.Billing;
using PyResolve.Server.Tests.Devices;
using PyResolve.Server.Tests.Site;

namespace PyResolve.Server.Tests.Credits;

/// <summary>Credits and overage on the page of the plan.</summary>
public sealed class CreditPageTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task Credits_are_bought_and_the_limit_of_overage_is_set_on_the_page_of_the_plan(StorageEngine engine)
    {
        var settings = CreditShop.Settings(limit: 2);
        settings["PyResolve:Credits:small:Units"] = "40";
        settings["PyResolve:Credits:small:Amount"] = "900";
        settings["STRIPE_PRICE_CREDITS_SMALL"] = "price_credits";
        settings["STRIPE_PRICE_PRO_OVERAGE"] = "price_overage";
        await using var shop = await BillingServer.StartAsync(engine, servers.Postgres, settings: settings);
        var subscriber = await shop.SignUpAsync();
        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro());
        await shop.WaitUntilProcessedAsync();
        var person = await Person.SignedInAsync(shop.Own.Server, subscriber.Account);

        var page = await person.GetAsync("/app/plan");
        var bought = await person.SendFormAsync("/app/plan/checkout", new() { ["credits"] = "small" });
        var set = await person.SendFormAsync("/app/plan/overage", new() { ["cap"] = "30" });
        var refused = await person.SendFormAsync("/app/plan/overage", new() { ["cap"] = "many" });

        page.Text.ShouldContain("Beyond the plan");
        page.Text.ShouldContain("Buy 40 credits for");
        bought.Text.ShouldContain("https://checkout.example/");
        shop.Stripe.Purchases.Single().Units.ShouldBe(40);
        set.Status.ShouldBe(303, set.Text);
        shop.Stripe.MeteredItems.Single().Price.ShouldBe("price_overage");
        (await person.GetAsync("/app/plan")).Text.ShouldContain("0 of 30");
        refused.Status.ShouldBe(422);
    }

    [Theory, OnBothEngines]
    public async Task The_page_of_the_default_catalogue_says_nothing_of_it(StorageEngine engine)
    {
        await using var shop = await BillingServer.StartAsync(engine, servers.Postgres);
        var person = await Person.SignedInAsync(shop.Own.Server, await shop.Own.SignUpAsync());

        var page = await person.GetAsync("/app/plan");

        page.Text.ShouldNotContain("Beyond the plan");
        page.Text.ShouldNotContain("overage");
    }
}
