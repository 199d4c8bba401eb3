using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Operator;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Tests.Billing;
using PyResolve.Server.Tests.Devices;
using PyResolve.Server.Tests.Http;
using static PyResolve.Server.Tests.Credits.OverageShop;

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
    public async Task While_an_invoice_is_unpaid_no_overage_is_used_and_afterwards_the_limit_is_the_same(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await SubscribeAsync(shop, Subscriptions.Pro());
        await SetAsync(subscriber, 5);

        await SetStatusAsync(shop, subscriber, "past_due");
        (await subscriber.Account.ReserveAsync()).Status.ShouldBe(402);
        (await SetAsync(subscriber, 6)).ShouldBeProblem(409, "conflict").Detail!.ShouldContain("Pay the open invoice");

        await SetStatusAsync(shop, subscriber, "active");
        (await subscriber.Account.Key.GetAsync("/quota"))["overage_cap"].GetInt64().ShouldBe(5);
        (await subscriber.Account.ReserveAsync(quantity: 5)).Status.ShouldBe(201);
    }

    [Theory, OnBothEngines]
    public async Task While_collection_is_paused_no_overage_is_used_and_afterwards_the_limit_is_the_same(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await SubscribeAsync(shop, Subscriptions.Pro());
        await SetAsync(subscriber, 5);

        foreach (var behaviour in new[] { "void", "keep_as_draft" })
        {
            await ChangeAsync(shop, subscriber, one => one with { PauseCollection = new StripePauseCollection(behaviour) });
            (await subscriber.Account.ReserveAsync()).Status.ShouldBe(402, behaviour);
            (await SetAsync(subscriber, 6)).ShouldBeProblem(409, "conflict").Detail!.ShouldContain("collection of payments");

            await ChangeAsync(shop, subscriber, static one => one with { PauseCollection = null });
            (await subscriber.Account.Key.GetAsync("/quota"))["overage_cap"].GetInt64().ShouldBe(5, behaviour);
        }

        (await subscriber.Account.ReserveAsync(quantity: 5)).Status.ShouldBe(201);
    }

    /// <summary>Stripe would refuse it.</summary>
    [Theory, OnBothEngines]
    public async Task A_price_that_the_subscription_has_and_that_counts_nothing_is_not_added_again(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var price = Subscriptions.OveragePrice with { Recurring = new("month", "metered") { Meter = "mtr_archived" } };
        var subscriber = await SubscribeAsync(shop, Subscriptions.Of("sub_1", "active", Subscriptions.ProPrice, price));

        (await SetAsync(subscriber, 5)).ShouldBeProblem(409, "conflict").Detail!.ShouldContain("does not count what is used");

        shop.Stripe.MeteredItems.ShouldBeEmpty();
    }

    [Theory, OnBothEngines]
    public async Task A_sync_that_fetched_before_the_price_was_added_does_not_remove_the_limit(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await SubscribeAsync(shop, Subscriptions.Pro());
        await shop.WaitUntilProcessedAsync();
        var (fetched, isSet) = (new TaskCompletionSource(), new TaskCompletionSource());
        var (calls, stale) = (0, Task.CompletedTask);
        shop.Stripe.OnReadSubscriptions = async (_, _) =>
        {
            switch (Interlocked.Increment(ref calls))
            {
                case 2:
                    stale = shop.Service<CustomerSync>().RunAsync(subscriber.CustomerId, CreditShop.Cancellation);
                    await fetched.Task;
                    break;
                case 4:
                    fetched.SetResult();
                    await isSet.Task;
                    break;
            }
        };

        (await SetAsync(subscriber, 5)).Status.ShouldBe(200);
        isSet.SetResult();
        await stale;

        (await subscriber.Account.Key.GetAsync("/quota"))["overage_cap"].GetInt64().ShouldBe(5);
    }

    [Theory, OnBothEngines]
    public async Task The_page_of_the_plan_says_that_Stripes_page_cannot_change_it(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await SubscribeAsync(shop, Subscriptions.Pro());
        var person = await Person.SignedInAsync(shop.Own.Server, subscriber.Account);
        (await person.GetAsync("/app/plan")).Text.ShouldContain("Change to Unlimited");

        await SetAsync(subscriber, 5);
        await SetAsync(subscriber, 0);

        var page = await person.GetAsync("/app/plan");
        page.Text.ShouldNotContain("Change to Unlimited");
        page.Text.ShouldContain("cannot change such a subscription to another plan");
    }

    [Theory, OnBothEngines]
    public async Task Credits_are_not_sold_to_a_plan_that_uses_none(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var account = await shop.Own.SignUpAsync();

        (await account.Key.PostAsync("/billing/checkout", new { credits = "small" })).ShouldBeProblem(409, "conflict").Detail!
            .ShouldBe("The free plan uses no credits, so none are sold to it. Change to pro first.");

        shop.Stripe.Purchases.ShouldBeEmpty();
    }

    [Theory, InlineData("mtr_overage", false), InlineData("mtr_other", true)]
    public async Task Doctor_names_a_price_that_bills_another_meter(string meter, bool isNamed)
    {
        await using var shop = await StartAsync(StorageEngine.Sqlite);
        shop.Stripe.Prices.Add(new StripePrice("price_overage")
        {
            UnitAmount = 50,
            Currency = "usd",
            Active = true,
            Recurring = new("month", "metered") { Meter = meter },
        });

        var lines = new List<string>();
        await foreach (var (isProblem, text) in shop.Service<StripeDoctor>().ExamineAsync(CreditShop.Cancellation))
            lines.Add($"{isProblem} {text}");

        lines.Exists(static line => line.StartsWith("True STRIPE_PRICE_PRO_OVERAGE names price_overage, which bills another meter",
            StringComparison.Ordinal)).ShouldBe(isNamed, string.Join('\n', lines));
    }

    private static Task SetStatusAsync(BillingServer shop, Subscriber subscriber, string status) =>
        ChangeAsync(shop, subscriber, one => one with { Status = status });

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

    private Task<BillingServer> StartAsync(StorageEngine engine) => OverageShop.StartAsync(engine, servers);
}
