using PyResolve.Server.Billing.Gateway;

namespace PyResolve.Server.Tests.Billing;

/// <summary><c>GET /billing/subscription</c>: what an account is told besides its plan.</summary>
public sealed class SubscriptionTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task A_scheduled_downgrade_is_announced_and_changes_nothing_yet(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();

        await subscriber.SetSubscriptionsAsync(Subscriptions.Unlimited() with
        {
            NextPhase = new StripePhase(Subscriptions.PeriodEnd, ["price_pro"]),
        });
        await billing.WaitUntilProcessedAsync();

        var subscription = await subscriber.SubscriptionAsync();
        subscription.GetProperty("plan").GetString().ShouldBe("unlimited");
        subscription.GetProperty("scheduled_plan").GetString().ShouldBe("pro");
        subscription.GetProperty("scheduled_at").GetDateTimeOffset().ShouldBe(Subscriptions.PeriodEnd);
        subscription.GetProperty("cancelling").GetBoolean().ShouldBeFalse();
    }

    [Theory, OnBothEngines]
    public async Task A_schedule_may_name_a_price_that_only_Stripe_knows(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        billing.Stripe.Prices.Add(new StripePrice("price_yearly") { LookupKey = "pyresolve_pro" });

        await subscriber.SetSubscriptionsAsync(Subscriptions.Unlimited() with
        {
            NextPhase = new StripePhase(Subscriptions.PeriodEnd, ["price_yearly"]),
        });
        await billing.WaitUntilProcessedAsync();

        (await subscriber.SubscriptionAsync()).GetProperty("scheduled_plan").GetString().ShouldBe("pro");
    }

    [Theory, OnBothEngines]
    public async Task A_schedule_may_name_the_price_of_a_subscription_that_has_ended(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        var price = new StripePrice("price_by_hand") { Product = "prod_pro", Recurring = new("month", "licensed") };
        billing.Stripe.Prices.Add(price);
        billing.Stripe.Products.Add(new StripeProduct("prod_pro") { Metadata = new Dictionary<string, string> { ["plan"] = "pro" } });

        await subscriber.SetSubscriptionsAsync(
            Subscriptions.Of("sub_1", "canceled", price),
            Subscriptions.Unlimited(id: "sub_2") with { NextPhase = new StripePhase(Subscriptions.PeriodEnd, [price.Id]) });
        await billing.WaitUntilProcessedAsync();

        (await subscriber.SubscriptionAsync()).GetProperty("scheduled_plan").GetString().ShouldBe("pro");
    }

    [Theory, OnBothEngines]
    public async Task Interval_seats_and_the_end_of_a_trial_are_shown(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();

        await subscriber.SetSubscriptionsAsync(
            Subscriptions.Pro("trialing").Seats(5) with { TrialEnd = Subscriptions.PeriodEnd.AddDays(3) });
        await billing.WaitUntilProcessedAsync();

        var subscription = await subscriber.SubscriptionAsync();
        (subscription.GetProperty("interval").GetString(), subscription.GetProperty("quantity").GetInt64()).ShouldBe(("month", 5));
        subscription.GetProperty("trial_ends_at").GetDateTimeOffset().ShouldBe(Subscriptions.PeriodEnd.AddDays(3));
    }

    [Fact]
    public void The_next_phase_of_a_schedule_is_read_from_Stripes_JSON()
    {
        var subscription = Subscriptions.FromJson("""
            {"id":"sub_1","status":"active","latest_invoice":{"id":"in_1","object":"invoice","status":"open","billing_reason":"subscription_update"},
             "trial_end":1794747600,
             "schedule":{"id":"sub_sched_1","object":"subscription_schedule","current_phase":{"start_date":1794744000,"end_date":1797336000},
              "phases":[{"start_date":1794744000,"end_date":1797336000,"items":[{"price":"price_unlimited"}]},
                        {"start_date":1797336000,"end_date":1799928000,"items":[{"price":"price_pro"}]}]},
             "items":{"data":[{"id":"si_1","price":{"id":"price_unlimited"},"quantity":1,"current_period_start":1794744000}]}}
            """);

        subscription.NextPhase!.Start.ToUnixTimeSeconds().ShouldBe(1_797_336_000);
        subscription.NextPhase.Prices.ShouldBe(["price_pro"]);
        (subscription.LatestInvoice!.Status, subscription.LatestInvoice.BillingReason).ShouldBe(("open", "subscription_update"));
        (subscription.TrialEnd!.Value.ToUnixTimeSeconds(), subscription.Items!.Data[0].CurrentPeriodStart!.Value.ToUnixTimeSeconds())
            .ShouldBe((1_794_747_600, 1_794_744_000));
    }
}
