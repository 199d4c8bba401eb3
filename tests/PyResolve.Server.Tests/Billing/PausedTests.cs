using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Billing;

/// <summary>
/// A trial without a card pauses at its end. A checkout of the same plan asks for a card, and the subscription goes on; a checkout of
/// something else takes its place.
/// </summary>
public sealed class PausedTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task A_paused_subscription_goes_on_when_a_card_was_given(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await PauseAsync(billing);

        var started = await BuyAsync(subscriber);
        started.Status.ShouldBe(200, started.Text);
        billing.Stripe.Checkouts[^1].Url!.ShouldContain("setup=sub_1");
        await GiveCardAsync(billing, subscriber);

        await subscriber.WaitForPlanAsync("pro");
        billing.Stripe.ResumedBy.ShouldBe([$"pm_of_{billing.Stripe.Checkouts[^1].Id}"]);
        (await BuyAsync(subscriber)).ShouldBeProblem(409, "already_subscribed");
    }

    [Theory, OnBothEngines]
    public async Task The_same_page_is_given_until_it_is_used(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await PauseAsync(billing);

        var first = await BuyAsync(subscriber);
        var again = await BuyAsync(subscriber);

        again.Text.ShouldBe(first.Text);
        billing.Stripe.ResumedBy.ShouldBeEmpty();
        (await subscriber.PlanAsync()).ShouldBe("free");
    }

    [Theory, OnBothEngines]
    public async Task A_card_that_is_declined_is_not_tried_again_and_can_be_replaced(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await PauseAsync(billing);
        billing.Stripe.DeclinesResumptions = true;
        await BuyAsync(subscriber);
        await GiveCardAsync(billing, subscriber);
        var declined = $"pm_of_{billing.Stripe.Checkouts[^1].Id}";

        billing.Stripe.DeclinesResumptions = false;
        var second = await BuyAsync(subscriber);
        second.Status.ShouldBe(200, second.Text);
        await GiveCardAsync(billing, subscriber);

        await subscriber.WaitForPlanAsync("pro");
        billing.Stripe.ResumedBy.ShouldBe([declined, $"pm_of_{billing.Stripe.Checkouts[^1].Id}"]);
    }

    [Theory, OnBothEngines]
    public async Task A_card_of_an_earlier_day_is_not_charged(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await PauseAsync(billing);
        await BuyAsync(subscriber);

        billing.Stripe.SetCheckout(billing.Stripe.Checkouts[^1].Id, "complete", expiresAt: billing.Clock.GetUtcNow().AddHours(-2));
        await subscriber.SendEventAsync();
        await billing.WaitUntilProcessedAsync();

        billing.Stripe.ResumedBy.ShouldBeEmpty();
        (await subscriber.PlanAsync()).ShouldBe("free");
    }

    [Theory, OnBothEngines]
    public async Task Another_plan_takes_the_place_of_the_paused_one(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await PauseAsync(billing);

        var started = await BuyAsync(subscriber, new { plan = "unlimited" });
        started.Status.ShouldBe(200, started.Text);

        billing.Stripe.Checkouts[^1].Url!.ShouldEndWith("?price=price_unlimited");
        var ended = billing.Stripe.SubscriptionsOf(subscriber.CustomerId).ShouldHaveSingleItem();
        (ended.Id, ended.Status).ShouldBe(("sub_1", "canceled"));
        await subscriber.SetSubscriptionsAsync(ended, Subscriptions.Unlimited(id: "sub_2"));
        await subscriber.WaitForPlanAsync("unlimited");
        billing.Stripe.ResumedBy.ShouldBeEmpty();
    }

    public static TheoryData<StorageEngine, string, int, string> Choices { get; } = new(
        from engine in StorageEngines.Both
        from choice in ((string, int, string)[])
            [("month", 2, "?setup=sub_1"), ("month", 3, "?price=price_team"), ("year", 2, "?price=price_team_year")]
        select (engine, choice.Item1, choice.Item2, choice.Item3));

    [Theory, MemberData(nameof(Choices))]
    public async Task Only_a_checkout_of_the_same_interval_and_seats_goes_on_with_it(
        StorageEngine engine, string interval, int seats, string url)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres, settings: OwnCatalogue.SettingsForSale);
        var subscriber = await PauseAsync(billing, "team", TeamOfTwo);

        var started = await BuyAsync(subscriber, new { plan = "team", interval, quantity = seats });
        started.Status.ShouldBe(200, started.Text);

        billing.Stripe.Checkouts[^1].Url!.ShouldEndWith(url);
        // The trial is over.
        billing.Stripe.Asked.Skip(1).ShouldAllBe(checkout => checkout.TrialDays == null && checkout.Quantity == seats);
        billing.Stripe.SubscriptionsOf(subscriber.CustomerId).Single().Status.ShouldBe(
            url.Contains("setup", StringComparison.Ordinal) ? "paused" : "canceled");
    }

    [Theory, OnBothEngines]
    public async Task The_page_that_asks_for_a_card_is_closed_before_the_paused_subscription_ends(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await PauseAsync(billing);
        await BuyAsync(subscriber);
        var page = billing.Stripe.Checkouts[^1].Id;

        billing.Stripe.FailNextExpiries(1);
        (await BuyAsync(subscriber, new { plan = "unlimited" })).Status.ShouldBe(503);
        billing.Stripe.SubscriptionsOf(subscriber.CustomerId).Single().Status.ShouldBe("paused");
        (await BuyAsync(subscriber, new { plan = "unlimited" })).Status.ShouldBe(200);

        billing.Stripe.Checkouts.Single(session => session.Id == page).Status.ShouldBe("expired");
        billing.Stripe.SubscriptionsOf(subscriber.CustomerId).Single().Status.ShouldBe("canceled");
    }

    [Theory, OnBothEngines]
    public async Task A_card_that_was_given_before_another_plan_was_chosen_keeps_the_subscription(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await PauseAsync(billing);
        await BuyAsync(subscriber);
        billing.Stripe.SetCheckout(
            billing.Stripe.Checkouts[^1].Id, "complete", expiresAt: billing.Clock.GetUtcNow().AddDays(1));

        var second = await BuyAsync(subscriber, new { plan = "unlimited" });

        second.ShouldBeProblem(409, "already_subscribed");
        billing.Stripe.SubscriptionsOf(subscriber.CustomerId).Single().Status.ShouldBe("active");
        await subscriber.WaitForPlanAsync("pro");
    }

    private static StripeSubscription TeamOfTwo { get; } = Subscriptions
        .Of("sub_1", "paused", new StripePrice("price_team") { Recurring = new("month", "licensed") })
        .Seats(2);

    private static Task<Subscriber> PauseAsync(BillingServer billing) => PauseAsync(billing, "pro", Subscriptions.Pro("paused"));

    private static async Task<Subscriber> PauseAsync(BillingServer billing, string plan, StripeSubscription paused)
    {
        var subscriber = await billing.SignUpAsync(plan: plan);
        billing.Stripe.SetCheckout(billing.Stripe.Checkouts[^1].Id, "complete", subscription: "sub_1");
        await subscriber.SetSubscriptionsAsync(paused);
        await billing.WaitUntilProcessedAsync();
        return subscriber;
    }

    /// <summary>On the page that was opened last.</summary>
    private static async Task GiveCardAsync(BillingServer billing, Subscriber subscriber)
    {
        billing.Stripe.SetCheckout(
            billing.Stripe.Checkouts[^1].Id, "complete", expiresAt: billing.Clock.GetUtcNow().AddDays(1));
        await subscriber.SendEventAsync("checkout.session.completed");
        await billing.WaitUntilProcessedAsync();
    }

    private static Task<Answer> BuyAsync(Subscriber subscriber, object? wanted = null) =>
        subscriber.Account.Key.PostAsync("/billing/checkout", wanted ?? new { plan = "pro" });
}
