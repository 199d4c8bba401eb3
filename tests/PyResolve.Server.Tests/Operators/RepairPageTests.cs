using PyResolve.Server.Operators;
using PyResolve.Server.Tests.Billing;
using PyResolve.Server.Tests.Site;

namespace PyResolve.Server.Tests.Operators;

/// <summary>What would change is shown before it does.</summary>
public sealed class RepairPageTests(SharedServers servers)
{
    [Theory, OnEveryEngine]
    public async Task What_Stripe_says_is_shown_first_and_taken_over_then(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var person = await billing.Own.SignInOperatorAsync(OperatorRole.Admin);
        var subscriber = await billing.SignUpAsync();
        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro());
        await subscriber.WaitForPlanAsync("pro");
        await billing.WaitUntilProcessedAsync();
        var page = $"/operator/accounts/{subscriber.Account.UserId}/stripe";
        billing.Stripe.Set(subscriber.CustomerId, Subscriptions.Unlimited());

        var preview = await person.GetAsync(page);
        var before = await subscriber.PlanAsync();
        var refused = await person.SendFormAsync(page, []);
        var done = await person.SendAsync(subscriber.Account, "stripe");
        var again = await person.GetAsync(page);

        PageTable.Rows(preview.Text)[0].ShouldBe("Subscription|pro (active)|unlimited (active)");
        (before, refused.Status, done.Status).ShouldBe(("pro", 422, 303));
        (await subscriber.PlanAsync()).ShouldBe("unlimited");
        again.Text.ShouldContain("Nothing differs");
        (await billing.Store.ReadNumberAsync(
            "select count(*) from audit_log where action = 'account.synced' and operator_id is not null and reason is not null"))
            .ShouldBe(1);
    }

    [Theory, OnEveryEngine]
    public async Task Usage_that_does_not_agree_with_its_events_is_shown_first_and_mended_then(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var person = await own.SignInOperatorAsync(OperatorRole.Admin);
        var ada = await own.SignUpAsync();
        await ada.Key.PostAsync("/usage", new { event_type = "migration", tier = "tier1" });
        await own.Store.ExecuteSqlAsync("update usage_monthly set migrations = 4");

        var preview = await person.GetAsync($"/operator/accounts/{ada.UserId}/usage");
        var before = (await ada.Key.GetAsync("/quota"))["migrations_used"].GetInt64();
        var done = await person.SendAsync(ada, "usage");

        PageTable.Rows(preview.Text).ShouldHaveSingleItem().ShouldEndWith("migrations|4|1");
        (before, done.Status).ShouldBe((4, 303));
        (await ada.Key.GetAsync("/quota"))["migrations_used"].GetInt64().ShouldBe(1);
        (await own.Store.ReadNumberAsync(
            "select count(*) from audit_log where action = 'account.usage_recomputed' and operator_id is not null")).ShouldBe(1);
    }
}
