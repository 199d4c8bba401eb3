using PyResolve.Server.Audit;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Operator;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Commands;

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

    [Theory, OnBothEngines]
    public async Task A_disputed_payment_is_the_reason_where_disputes_end_plans(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(
            engine, servers.Postgres, settings: new Dictionary<string, string?> { ["PyResolve:Stripe:DisputeEndsPlan"] = "true" });
        var subscriber = await billing.SignUpAsync();
        billing.Stripe.Charges.Add(new StripeCharge("ch_1") { Customer = subscriber.CustomerId, Disputed = true });
        billing.Stripe.Disputes.Add(new StripeDispute("dp_1")
        {
            Status = "needs_response", Created = billing.Clock.GetUtcNow().AddHours(1), Subscription = "sub_1",
        });
        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro());
        await billing.WaitUntilProcessedAsync();

        var explained = await ExplainAsync(billing, subscriber);

        explained.Plan.ShouldBe("free");
        var subscription = explained.Customers[0].Subscriptions!.Single();
        (subscription.Gives, subscription.Because).ShouldBe(("nothing", "a payment is disputed"));
    }

    [Theory, OnBothEngines]
    public async Task The_price_that_counts_is_named_also_of_a_subscription_that_has_ended(StorageEngine engine)
    {
        var stripe = new StripeDouble();
        stripe.Products.Add(new StripeProduct("prod_pro") { Metadata = new Dictionary<string, string> { ["plan"] = "pro" } });
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres, stripe);
        var subscriber = await billing.SignUpAsync();
        var support = new StripePrice("price_support");
        await subscriber.SetSubscriptionsAsync(
            Subscriptions.Pro("canceled", "sub_1"),
            Subscriptions.Of("sub_2", "canceled", new StripePrice("price_old") { Product = "prod_pro" }),
            Subscriptions.Of("sub_3", "active", support, Subscriptions.UnlimitedPrice));
        await billing.WaitUntilProcessedAsync();

        var explained = await ExplainAsync(billing, subscriber);

        explained.Customers[0].Subscriptions!.Select(static found => (found.Id, found.Price, found.PriceIsOf)).ShouldBe(
            [("sub_1", "price_pro", "pro"), ("sub_2", "price_old", "pro"), ("sub_3", "price_unlimited", "unlimited")],
            ignoreOrder: true);
    }

    [Theory, OnBothEngines]
    public async Task Plans_have_the_catalogues_names(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres, settings: OwnCatalogue.SettingsForSale);
        var subscriber = await billing.SignUpAsync(plan: "team");
        await subscriber.SetSubscriptionsAsync(
            Subscriptions.Of("sub_1", "active", new StripePrice("price_team")) with { CancelAtPeriodEnd = true });
        await billing.WaitUntilProcessedAsync();

        (await DescribeAsync(billing, subscriber))[0].ShouldEndWith(
            $" is on the team plan until {Subscriptions.PeriodEnd:yyyy-MM-ddTHH:mm:ssZ}, then hobby.");
        await subscriber.SetSubscriptionsAsync(Subscriptions.Of("sub_1", "canceled", new StripePrice("price_team")));
        await billing.WaitUntilProcessedAsync();
        (await DescribeAsync(billing, subscriber))[0].ShouldEndWith(" is on the hobby plan.");
    }

    [Theory, OnBothEngines]
    public async Task The_end_of_a_plan_that_an_operator_gave_is_said(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        var end = new DateTimeOffset(2027, 1, 1, 0, 0, 0, TimeSpan.Zero);
        await billing.Service<PlanOverrides>().SetAsync(subscriber.Account.UserId, "pro", end, Origin.Operator, Cancellation);

        (await DescribeAsync(billing, subscriber))[1].ShouldBe(
            "An operator set that it is never less than pro until 2027-01-01T00:00:00Z.");
    }

    private static async Task<ExplainedPlan> ExplainAsync(BillingServer billing, Subscriber subscriber) =>
        (await billing.Service<StripeExplanation>().ReadAsync(subscriber.Account.UserId, Cancellation))!;

    /// <summary>The lines of <c>stripe explain</c>.</summary>
    private static async Task<List<string>> DescribeAsync(BillingServer billing, Subscriber subscriber)
    {
        var account = (await OperatorAccount.FindAsync(billing.Own.Server.Services, $"{subscriber.Account.UserId}", Cancellation))!;
        return
        [
            .. StripeExplainCommand.Describe(account, await ExplainAsync(billing, subscriber), billing.Clock.GetUtcNow()),
        ];
    }
}
