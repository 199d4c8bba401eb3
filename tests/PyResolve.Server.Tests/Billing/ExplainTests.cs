using PyResolve.Server.Audit;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Operator;
using PyResolve.Server.Billing.Sync;

namespace PyResolve.Server.Tests.Billing;

/// <summary><c>stripe explain</c>: why an account has the plan that it has.</summary>
public sealed class ExplainTests(SharedServers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static readonly Dictionary<string, (StripeSubscription Subscription, string Because)> Reasons = new()
    {
        ["unknown price"] = (Subscriptions.Of("sub_1", "active", new StripePrice("price_unknown")),
            "its price has no plan: it is not in the settings, has no lookup key of ours, and its product's metadata name none"),
        ["never paid"] = (Subscriptions.Pro("past_due").Unpaid("subscription_create"),
            "it is past due, and its first invoice was never paid"),
        ["incomplete"] = (Subscriptions.Pro("incomplete"), "its first payment has not been made"),
        ["unpaid"] = (Subscriptions.Pro("unpaid"), "its payments were given up"),
        ["paused"] = (Subscriptions.Pro("paused"), "its trial ended without a way to pay"),
        ["canceled"] = (Subscriptions.Pro("canceled"), "it has ended"),
        ["past its end"] = (Subscriptions.Pro() with { CancelAt = Subscriptions.PeriodEnd.AddDays(-9) },
            "it is set to end, and its end has passed"),
    };

    public static TheoryData<StorageEngine, string> Cases { get; } =
        new(from engine in StorageEngines.Both from name in Reasons.Keys select (engine, name));

    [Theory, MemberData(nameof(Cases))]
    public async Task A_subscription_that_gives_nothing_has_its_reason(StorageEngine engine, string name)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        await subscriber.SetSubscriptionsAsync(Reasons[name].Subscription);
        await billing.WaitUntilProcessedAsync();

        var explained = await billing.Service<StripeExplanation>().ReadAsync(subscriber.Account.UserId, Cancellation);

        explained!.Plan.ShouldBe("free");
        var subscription = explained.Customers.ShouldHaveSingleItem().Subscriptions!.ShouldHaveSingleItem();
        (subscription.Gives, subscription.Because).ShouldBe(("nothing", Reasons[name].Because));
    }

    [Theory, OnBothEngines]
    public async Task A_subscription_that_gives_a_plan_says_which_and_until_when(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro() with { CancelAtPeriodEnd = true });
        await billing.WaitUntilProcessedAsync();

        var explained = (await billing.Service<StripeExplanation>().ReadAsync(subscriber.Account.UserId, Cancellation))!;

        explained.Plan.ShouldBe("pro");
        explained.Customers[0].Subscriptions!.Single()
            .ShouldBe(new ExplainedSubscription("sub_1", "active", "price_pro", "pro", "pro", Subscriptions.PeriodEnd, Because: null));
        explained.Customers[0].Events.ShouldHaveSingleItem().State.ShouldBe("done");
    }

    [Theory, OnBothEngines]
    public async Task A_plan_of_the_operators_and_a_customer_that_is_gone_are_named(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        await billing.Service<PlanOverrides>().SetAsync(
            subscriber.Account.UserId, "enterprise", until: null, Origin.Operator, Cancellation);
        billing.Stripe.Delete(subscriber.CustomerId);
        await subscriber.SendEventAsync("customer.deleted");
        await billing.WaitUntilProcessedAsync();

        var explained = (await billing.Service<StripeExplanation>().ReadAsync(subscriber.Account.UserId, Cancellation))!;

        (explained.Plan, explained.Profile.Override, explained.Customers.Single().IsLinked).ShouldBe(("enterprise", "enterprise", false));
    }
}
