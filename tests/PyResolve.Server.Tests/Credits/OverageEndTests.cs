using PyResolve.Server.Audit;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Tests.Billing;
using PyResolve.Server.Tests.Http;
using static PyResolve.Server.Tests.Credits.OverageShop;

namespace PyResolve.Server.Tests.Credits;

/// <summary>No overage is used beyond the end of the subscription, and each refusal names what would help.</summary>
public sealed class OverageEndTests(SharedServers servers)
{
    private const string End = "2026-11-15T13:00:00Z";

    [Theory, OnBothEngines]
    public async Task A_reservation_that_outlives_the_subscription_uses_no_overage(StorageEngine engine)
    {
        await using var shop = await OverageShop.StartAsync(engine, servers);
        var subscriber = await SubscribeAsync(shop, Subscriptions.Pro());
        await SetAsync(subscriber, 5);

        await ChangeAsync(shop, subscriber, EndingWithItsPeriod);

        await NothingOutlivesTheSubscriptionAsync(subscriber);
    }

    /// <summary>The plan lasts then, and the subscription that bills overage ends all the same.</summary>
    [Theory, OnBothEngines]
    public async Task The_same_plan_from_an_operator_without_an_end_does_not_prolong_overage(StorageEngine engine)
    {
        await using var shop = await OverageShop.StartAsync(engine, servers);
        var subscriber = await SubscribeAsync(shop, Subscriptions.Pro());
        await SetAsync(subscriber, 5);
        await GivePlanAsync(shop, subscriber, until: null);

        await ChangeAsync(shop, subscriber, EndingWithItsPeriod);

        await NothingOutlivesTheSubscriptionAsync(subscriber);
    }

    [Theory, OnBothEngines]
    public async Task The_same_plan_from_an_operator_with_a_later_end_does_not_prolong_overage(StorageEngine engine)
    {
        await using var shop = await OverageShop.StartAsync(engine, servers);
        var subscriber = await SubscribeAsync(shop, Subscriptions.Pro());
        await SetAsync(subscriber, 5);
        await ChangeAsync(shop, subscriber, EndingWithItsPeriod);

        await GivePlanAsync(shop, subscriber, until: shop.Clock.GetUtcNow().AddDays(30));

        await NothingOutlivesTheSubscriptionAsync(subscriber);
    }

    [Theory, OnBothEngines]
    public async Task Between_the_end_and_Stripes_word_that_it_has_ended_no_overage_is_used(StorageEngine engine)
    {
        await using var shop = await OverageShop.StartAsync(engine, servers);
        var subscriber = await SubscribeAsync(shop, Subscriptions.Pro());
        await SetAsync(subscriber, 5);
        await GivePlanAsync(shop, subscriber, until: null);
        await ChangeAsync(shop, subscriber, EndingWithItsPeriod);

        shop.Clock.Jump(TimeSpan.FromHours(2));
        (await subscriber.Account.ReserveAsync()).Status.ShouldBe(402);
        await subscriber.SendEventAsync();
        await shop.WaitUntilProcessedAsync();

        (await subscriber.PlanAsync()).ShouldBe("pro");
        (await subscriber.Account.ReserveAsync()).ShouldBeProblem(402, "quota_exceeded").Detail!.ShouldNotContain("smaller ttl_seconds");
    }

    [Theory, OnBothEngines]
    public async Task A_shorter_time_is_named_only_where_it_would_be_enough(StorageEngine engine)
    {
        await using var shop = await OverageShop.StartAsync(engine, servers);
        var subscriber = await SubscribeAsync(shop, Subscriptions.Pro());
        await SetAsync(subscriber, 5);
        await ChangeAsync(shop, subscriber, EndingWithItsPeriod);

        var fitting = await subscriber.Account.ReserveAsync(quantity: 5, ttlSeconds: 7200);
        var tooMany = await subscriber.Account.ReserveAsync(quantity: 6, ttlSeconds: 7200);

        fitting.ShouldBeProblem(402, "quota_exceeded").Detail!.ShouldContain("use a smaller ttl_seconds");
        tooMany.ShouldBeProblem(402, "quota_exceeded").Detail!.ShouldSatisfyAllConditions(
            static detail => detail.ShouldNotContain("ttl_seconds"),
            static detail => detail.ShouldContain("Buy credits, or raise the limit of overage, at "));
    }

    [Theory, OnBothEngines]
    public async Task A_reservation_that_cannot_be_extended_at_all_says_until_when_to_commit_it(StorageEngine engine)
    {
        await using var shop = await OverageShop.StartAsync(engine, servers);
        var subscriber = await SubscribeAsync(shop, Subscriptions.Pro());
        await SetAsync(subscriber, 5);
        var held = await subscriber.Account.ReserveAsync(ttlSeconds: 7200);
        await ChangeAsync(shop, subscriber, EndingWithItsPeriod);

        (await ExtendAsync(subscriber, held, 9000)).ShouldBeProblem(409, "conflict").Detail!
            .ShouldEndWith($"at {End}. It cannot be extended: commit it by {End}.");

        shop.Stripe.FailNext(1_000);
        shop.Clock.Jump(TimeSpan.FromMinutes(70));
        (await ExtendAsync(subscriber, held, 9000)).ShouldBeProblem(409, "conflict").Detail!
            .ShouldEndWith($"at {End}. It cannot be extended: commit it by 2026-11-15T14:00:00Z.");
    }

    private static async Task NothingOutlivesTheSubscriptionAsync(Subscriber subscriber)
    {
        var refused = await subscriber.Account.ReserveAsync(ttlSeconds: 7200);
        var held = await subscriber.Account.ReserveAsync(ttlSeconds: 1800);

        refused.ShouldBeProblem(402, "quota_exceeded").Detail!.ShouldContain($"by {End}: use a smaller ttl_seconds.");
        held.Status.ShouldBe(201, held.Text);
        (await ExtendAsync(subscriber, held, 7200)).ShouldBeProblem(409, "conflict").Detail!.ShouldEndWith($"at {End}. Extend it by less.");
        (await ExtendAsync(subscriber, held, 2400)).Status.ShouldBe(200);
    }

    private static Task<Answer> ExtendAsync(Subscriber subscriber, Answer held, int seconds) => subscriber.Account.Key.SendAsync(
        HttpMethod.Patch, $"/quota/reservations/{held.Id()}", new { ttl_seconds = seconds });

    private static async Task GivePlanAsync(BillingServer shop, Subscriber subscriber, DateTimeOffset? until) =>
        (await shop.Service<PlanOverrides>().SetAsync(
            subscriber.Account.UserId, "pro", until, Origin.Operator, CreditShop.Cancellation)).ShouldBe("pro");
}
