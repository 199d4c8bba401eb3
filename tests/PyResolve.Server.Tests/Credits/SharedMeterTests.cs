using PyResolve.Server.Tests.Billing;
using static PyResolve.Server.Tests.Credits.OverageShop;

namespace PyResolve.Server.Tests.Credits;

/// <summary>Several plans may count at one meter, each with prices of its own.</summary>
public sealed class SharedMeterTests(SharedServers servers)
{
    private const string Meter = "migrations_beyond";

    [Theory, OnBothEngines]
    public async Task Subscribers_of_either_plan_use_overage_which_reaches_the_meter(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var pro = await SubscribeAsync(shop, Subscriptions.Pro());
        var unlimited = await SubscribeAsync(shop, Subscriptions.Unlimited(id: "sub_2"), "unlimited");

        foreach (var subscriber in new[] { pro, unlimited })
        {
            (await SetAsync(subscriber, 5))["overage_cap"].GetInt64().ShouldBe(5);
            await subscriber.SendEventAsync();
            await shop.WaitUntilProcessedAsync();
            var held = await subscriber.Account.ReserveAsync(quantity: 5);
            held.Status.ShouldBe(201, held.Text);
            (await subscriber.Account.CommitAsync(held.Id())).Status.ShouldBe(200);
        }

        shop.Stripe.MeteredItems.ShouldBe([("sub_1", "price_overage"), ("sub_2", "price_overage_unlimited")]);
        await shop.WaitForCountAsync("select count(*) from meter_events where sent_at is not null", 2);
        shop.Stripe.Metered.Values.Select(static sent => (sent.Meter, sent.Report.CustomerId, sent.Report.Units)).ShouldBe(
            [(Meter, pro.CustomerId, 5L), (Meter, unlimited.CustomerId, 5L)], ignoreOrder: true);
    }

    [Theory, OnBothEngines]
    public async Task Stripe_is_asked_for_the_meter_once_in_a_while(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await SubscribeAsync(
            shop, Subscriptions.Of("sub_1", "active", Subscriptions.ProPrice, Subscriptions.OveragePrice));
        await shop.WaitUntilProcessedAsync();
        var asked = shop.Stripe.MetersRead;

        await subscriber.SendEventAsync();
        await shop.WaitUntilProcessedAsync();
        shop.Stripe.MetersRead.ShouldBe(asked);

        shop.Clock.Jump(TimeSpan.FromMinutes(2));
        await subscriber.SendEventAsync();
        await shop.WaitUntilProcessedAsync();
        shop.Stripe.MetersRead.ShouldBe(asked + 1);
    }

    private async Task<BillingServer> StartAsync(StorageEngine engine)
    {
        var shop = await OverageShop.StartAsync(engine, servers, new Dictionary<string, string?>
        {
            ["PyResolve:Plans:pro:Overage:Meter"] = Meter,
            ["PyResolve:Plans:unlimited:Overage:Meter"] = Meter,
            ["STRIPE_PRICE_UNLIMITED_OVERAGE"] = "price_overage_unlimited",
        });
        shop.Stripe.Meters.Clear();
        shop.Stripe.Meters[Meter] = Subscriptions.OveragePrice.Recurring!.Meter!;
        return shop;
    }
}
