using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Billing;

/// <summary>A trial without a card pauses at its end. The next checkout asks for a card, and the subscription goes on.</summary>
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

    private static async Task<Subscriber> PauseAsync(BillingServer billing)
    {
        var subscriber = await billing.SignUpAsync();
        billing.Stripe.SetCheckout(billing.Stripe.Checkouts[^1].Id, "complete", subscription: "sub_1");
        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro("paused"));
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

    private static Task<Answer> BuyAsync(Subscriber subscriber) =>
        subscriber.Account.Key.PostAsync("/billing/checkout", new { plan = "pro" });
}
