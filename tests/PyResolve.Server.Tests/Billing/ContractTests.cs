using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Billing;

/// <summary>The enterprise plan is sold by a contract at Stripe, which is paid by invoice; or an operator sets it by SQL.</summary>
public sealed class ContractTests(SharedServers servers)
{
    private static readonly StripePrice Price = new("price_contract") { Product = "prod_contract", Recurring = new("year", "licensed") };

    [Theory, OnBothEngines]
    public async Task A_contract_gives_the_enterprise_plan_and_takes_it_back_at_its_end(StorageEngine engine)
    {
        await using var billing = await StartAsync(engine);
        var subscriber = await billing.SignUpAsync();

        await subscriber.SetSubscriptionsAsync(Subscriptions.Of("sub_1", "active", Price));
        await subscriber.WaitForPlanAsync("enterprise");
        (await subscriber.Account.Key.PostAsync("/billing/checkout", new { plan = "pro" })).ShouldBeProblem(409, "already_subscribed");
        await subscriber.SetSubscriptionsAsync(Subscriptions.Of("sub_1", "canceled", Price));

        await subscriber.WaitForPlanAsync("free");
    }

    [Theory, OnBothEngines]
    public async Task A_contract_that_is_cancelled_ends_by_time_without_another_event(StorageEngine engine)
    {
        await using var billing = await StartAsync(engine);
        var subscriber = await billing.SignUpAsync();
        await subscriber.SetSubscriptionsAsync(Subscriptions.Of("sub_1", "active", Price) with { CancelAt = Subscriptions.PeriodEnd });
        await subscriber.WaitForPlanAsync("enterprise");

        billing.Clock.Jump(TimeSpan.FromDays(2));

        (await subscriber.PlanAsync()).ShouldBe("free");
    }

    [Theory, OnBothEngines]
    public async Task What_an_operator_set_by_SQL_outlives_a_contract(StorageEngine engine)
    {
        await using var billing = await StartAsync(engine);
        var subscriber = await billing.SignUpAsync();
        await billing.Store.ExecuteSqlAsync("update profiles set plan = 'enterprise'");

        await subscriber.SetSubscriptionsAsync(Subscriptions.Of("sub_1", "active", Price));
        await billing.WaitUntilProcessedAsync();
        await subscriber.SetSubscriptionsAsync(Subscriptions.Of("sub_1", "canceled", Price));
        await billing.WaitUntilProcessedAsync();

        (await subscriber.PlanAsync()).ShouldBe("enterprise");
    }

    [Theory, OnBothEngines]
    public async Task Nothing_is_sold_that_adds_nothing_to_what_an_operator_gave(StorageEngine engine)
    {
        await using var billing = await StartAsync(engine);
        var account = await billing.Own.SignUpAsync();
        await billing.Store.ExecuteSqlAsync("update profiles set plan = 'enterprise'");

        (await account.Key.PostAsync("/billing/checkout", new { plan = "pro" })).ShouldBeProblem(409, "conflict").Detail.ShouldBe(
            "The operator of this server gave this account the enterprise plan. The pro plan would add nothing to it. "
            + "For another plan, ask the operator.");
        billing.Stripe.CustomersCreated.ShouldBe(0);

        await billing.Store.ExecuteSqlAsync("update profiles set plan = 'pro', plan_override = 'pro'");
        (await account.Key.PostAsync("/billing/checkout", new { plan = "pro" })).ShouldBeProblem(409, "conflict");
        (await account.Key.PostAsync("/billing/checkout", new { plan = "unlimited" })).Status.ShouldBe(200);
    }

    private async Task<BillingServer> StartAsync(StorageEngine engine)
    {
        var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        billing.Stripe.Products.Add(
            new StripeProduct("prod_contract") { Metadata = new Dictionary<string, string> { ["plan"] = "enterprise" } });
        return billing;
    }
}
