using PyResolve.Server.Audit;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Billing;

/// <summary>Plans of other names are sold by the month and by the year, by seat, and with a trial.</summary>
public sealed class CatalogueSaleTests(SharedServers servers)
{
    [Theory]
    [InlineData(null, "price_team")]
    [InlineData("month", "price_team")]
    [InlineData("year", "price_team_year")]
    public async Task A_checkout_is_for_the_price_of_the_interval(string? interval, string price)
    {
        await using var billing = await StartAsync(StorageEngine.Sqlite);
        var account = await billing.Own.SignUpAsync();

        (await account.Key.PostAsync("/billing/checkout", new { plan = "team", interval, quantity = 4 })).Status.ShouldBe(200);

        var asked = billing.Stripe.Asked.Single();
        (asked.Price, asked.Quantity, asked.TrialDays, asked.TrialNeedsCard).ShouldBe((price, 4, 14, false));
    }

    [Theory]
    [InlineData("gold", null, null, 400, "Use 'team' or 'scale'")]
    [InlineData("hobby", null, null, 400, "Use 'team' or 'scale'")]
    [InlineData("team", "week", null, 422, "must be month or year.")]
    [InlineData("scale", "year", null, 422, "must be month: the scale plan is not sold otherwise.")]
    [InlineData("scale", null, 2, 422, "must be 1: the scale plan has no seats.")]
    [InlineData("team", null, 0, 422, "quantity")]
    [InlineData("team", null, 1001, 422, "quantity")]
    public async Task What_is_not_sold_is_refused(string plan, string? interval, int? quantity, int status, string text)
    {
        await using var billing = await StartAsync(StorageEngine.Sqlite);
        var account = await billing.Own.SignUpAsync();

        var answer = await account.Key.PostAsync("/billing/checkout", new { plan, interval, quantity });

        answer.Status.ShouldBe(status);
        answer.Text.ShouldContain(text);
        billing.Stripe.Asked.ShouldBeEmpty();
    }

    [Theory, OnBothEngines]
    public async Task Another_number_of_seats_takes_the_place_of_the_open_checkout(StorageEngine engine)
    {
        await using var billing = await StartAsync(engine);
        var account = await billing.Own.SignUpAsync();
        Task<Answer> BuyAsync(int seats) => account.Key.PostAsync("/billing/checkout", new { plan = "team", quantity = seats });

        var three = await BuyAsync(3);
        var again = await BuyAsync(3);
        var five = await BuyAsync(5);

        again.Text.ShouldBe(three.Text);
        five.Text.ShouldNotBe(three.Text);
        billing.Stripe.Checkouts.Select(static session => session.Status).ShouldBe(["expired", "open"]);
    }

    [Theory, OnBothEngines]
    public async Task Seats_multiply_the_limit_and_fewer_seats_lower_it(StorageEngine engine)
    {
        await using var billing = await StartAsync(engine);
        var subscriber = await billing.SignUpAsync(plan: "team");

        await subscriber.SetSubscriptionsAsync(Of("price_team", "active", 3));
        await subscriber.WaitForPlanAsync("team");

        (await LimitAsync(subscriber)).ShouldBe(300);
        (await subscriber.Account.ReserveAsync(quantity: 150)).Status.ShouldBe(201);
        await subscriber.SetSubscriptionsAsync(Of("price_team", "active", 1));
        await Eventually.IsTrueAsync(
            async () => await LimitAsync(subscriber) == 100,
            cancellationToken: TestContext.Current.CancellationToken,
            what: "the limit of one seat");
        (await subscriber.Account.ReserveAsync()).Status.ShouldBe(402);
        await subscriber.SetSubscriptionsAsync(Of("price_team", "canceled", 1));
        await subscriber.WaitForPlanAsync("hobby");
        (await LimitAsync(subscriber)).ShouldBe(10);
    }

    [Theory, OnBothEngines]
    public async Task More_seats_are_given_only_when_they_are_paid_for(StorageEngine engine)
    {
        await using var billing = await StartAsync(engine);
        var subscriber = await billing.SignUpAsync(plan: "team");
        await subscriber.SetSubscriptionsAsync(Of("price_team", "active", 2));
        await subscriber.WaitForPlanAsync("team");

        (await LimitWithAsync(billing, subscriber, Of("price_team", "past_due", 50).Unpaid("subscription_update"))).ShouldBe(200);
        (await LimitWithAsync(billing, subscriber, Of("price_team", "active", 50))).ShouldBe(5_000);
    }

    [Theory, OnBothEngines]
    public async Task A_greater_plan_whose_payment_failed_takes_no_seats_that_are_paid_for(StorageEngine engine)
    {
        await using var billing = await StartAsync(engine);
        var subscriber = await billing.SignUpAsync(plan: "team");
        await subscriber.SetSubscriptionsAsync(Of("price_team", "active", 5));
        await subscriber.WaitForPlanAsync("team");

        (await LimitWithAsync(billing, subscriber, Of("price_scale", "past_due", 1).Unpaid("subscription_update"))).ShouldBe(500);
    }

    [Theory, OnBothEngines]
    public async Task Of_two_subscriptions_to_one_plan_the_one_with_more_seats_counts(StorageEngine engine)
    {
        await using var billing = await StartAsync(engine);
        var subscriber = await billing.SignUpAsync(plan: "team");

        await subscriber.SetSubscriptionsAsync(Of("price_team", "active", 10, "sub_1"), Of("price_team", "active", 1, "sub_2"));

        await subscriber.WaitForPlanAsync("team");
        (await LimitAsync(subscriber)).ShouldBe(1_000);
    }

    [Theory, OnBothEngines]
    public async Task Seats_that_an_operator_gives_beside_a_subscription_are_those_that_are_paid_for(StorageEngine engine)
    {
        await using var billing = await StartAsync(engine);
        var subscriber = await billing.SignUpAsync(plan: "team");
        await subscriber.SetSubscriptionsAsync(Of("price_team", "active", 3));
        await subscriber.WaitForPlanAsync("team");

        await billing.Service<PlanOverrides>().SetAsync(
            subscriber.Account.UserId, "team", until: null, Origin.Operator, TestContext.Current.CancellationToken);

        (await LimitAsync(subscriber)).ShouldBe(300);
    }

    [Fact]
    public async Task A_checkout_of_a_metered_price_says_no_quantity()
    {
        await using var billing = await BillingServer.StartAsync(
            StorageEngine.Sqlite,
            servers.Postgres,
            settings: new Dictionary<string, string?>(OwnCatalogue.SettingsForSale)
            {
                ["PyResolve:Plans:scale:Prices:month:Metered"] = "true",
            });
        var account = await billing.Own.SignUpAsync();

        (await account.Key.PostAsync("/billing/checkout", new { plan = "scale" })).Status.ShouldBe(200);

        billing.Stripe.Asked.Single().Quantity.ShouldBeNull();
    }

    [Theory, OnBothEngines]
    public async Task The_first_subscription_has_a_trial_and_a_later_one_has_none(StorageEngine engine)
    {
        await using var billing = await StartAsync(engine);
        var subscriber = await billing.SignUpAsync(plan: "team");
        billing.Stripe.Asked.Single().TrialDays.ShouldBe(14);

        await subscriber.SetSubscriptionsAsync(Of("price_team", "canceled", 1));
        billing.Stripe.SetCheckout(billing.Stripe.Checkouts[^1].Id, "expired");
        await subscriber.Account.Key.PostAsync("/billing/checkout", new { plan = "team" });

        billing.Stripe.Asked[^1].TrialDays.ShouldBeNull();
    }

    [Theory, OnBothEngines]
    public async Task The_greater_of_two_plans_is_the_later_in_the_order_of_the_catalogue(StorageEngine engine)
    {
        await using var billing = await StartAsync(engine);
        var subscriber = await billing.SignUpAsync(plan: "team");

        await subscriber.SetSubscriptionsAsync(Of("price_scale", "active", 1, "sub_1"), Of("price_team", "active", 9, "sub_2"));

        await subscriber.WaitForPlanAsync("scale");
        (await subscriber.Account.Key.GetAsync("/quota"))["migrations_limit"].GetString().ShouldBe("unlimited");
    }

    private Task<BillingServer> StartAsync(StorageEngine engine) =>
        BillingServer.StartAsync(engine, servers.Postgres, settings: OwnCatalogue.SettingsForSale);

    private static async Task<long> LimitWithAsync(BillingServer billing, Subscriber subscriber, StripeSubscription subscription)
    {
        await subscriber.SetSubscriptionsAsync(subscription);
        await billing.WaitUntilProcessedAsync();
        return await LimitAsync(subscriber);
    }

    private static async Task<long> LimitAsync(Subscriber subscriber) =>
        (await subscriber.Account.Key.GetAsync("/quota"))["migrations_limit"].GetInt64();

    private static StripeSubscription Of(string price, string status, int seats, string id = "sub_1") =>
        Subscriptions.Of(id, status, new StripePrice(price) { Recurring = new("month", "licensed") }).Seats(seats);
}
