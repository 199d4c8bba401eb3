using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Credits;

/// <summary>
/// A catalogue of other names with credits and overage is set up as the operator does it, sold, used up, overrun and left; the sums are the
/// test's own.
/// </summary>
public sealed class CreditStoryTests(SharedServers servers)
{
    private const int TeamMonth = 1500;
    private const int TeamYear = 15_000;
    private const int UnitOfOverage = 7;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, OnEveryEngine]
    public async Task A_plan_is_used_up_then_credits_then_overage_which_the_next_invoice_bills(StorageEngine engine)
    {
        await using var shop = await SimulatedShop.OpenAsync(engine, servers);
        var ann = await shop.SignUpAsync();
        await shop.BuyAsync(ann, new { plan = "team" });
        await UseAsync(ann, 100);
        (await ann.ReserveAsync()).Status.ShouldBe(402);

        await shop.BuyAsync(ann, new { credits = "small" });
        await shop.SyncAsync();
        await UseAsync(ann, 40);
        (await ann.ReserveAsync()).Status.ShouldBe(402);

        (await ann.Key.PostAsync("/billing/overage", new { cap = 30 }))["overage_cap"].GetInt64().ShouldBe(30);
        (await ann.ReserveAsync(quantity: 31)).Status.ShouldBe(402);
        await UseAsync(ann, 30, commits: 25);
        await shop.EverythingIsReportedAsync();
        await shop.AdvanceAsync(days: 31);

        (await SimulatedShop.PaidAsync(ann)).ShouldBe([TeamMonth + (25 * UnitOfOverage), TeamMonth]);
    }

    [Theory, OnEveryEngine]
    public async Task Overage_of_a_plan_by_the_year_is_on_the_invoice_after_the_year(StorageEngine engine)
    {
        await using var shop = await SimulatedShop.OpenAsync(engine, servers);
        var ann = await shop.SignUpAsync();
        await shop.BuyAsync(ann, new { plan = "team", interval = "year" });
        await ann.Key.PostAsync("/billing/overage", new { cap = 30 });
        await UseAsync(ann, 120);
        await shop.EverythingIsReportedAsync();

        await shop.AdvanceAsync(days: 31);
        (await SimulatedShop.PaidAsync(ann)).ShouldBe([TeamYear]);
        await shop.AdvanceAsync(days: 335);

        (await SimulatedShop.PaidAsync(ann)).ShouldBe([TeamYear + (20 * UnitOfOverage), TeamYear]);
    }

    [Theory, OnEveryEngine]
    public async Task A_change_of_the_plan_turns_overage_off_and_leaves_credits(StorageEngine engine)
    {
        await using var shop = await SimulatedShop.OpenAsync(engine, servers);
        var ann = await shop.SignUpAsync();
        await shop.BuyAsync(ann, new { plan = "team" });
        await shop.BuyAsync(ann, new { credits = "small" });
        await ann.Key.PostAsync("/billing/overage", new { cap = 30 });

        await shop.SwitchAsync("STRIPE_PRICE_SCALE");
        (await shop.Own.Store.ReadNumberAsync("select count(*) from profiles where overage_limit is not null")).ShouldBe(0);
        await shop.InPortalAsync(ann, "cancel");
        await shop.AdvanceAsync(days: 31);

        var quota = await ann.Key.GetAsync("/quota");
        quota["plan"].GetString().ShouldBe("hobby");
        quota.Text.ShouldNotContain("overage");
        (await shop.Own.Store.ReadNumberAsync("select sum(units - drawn - taken) from credit_grants")).ShouldBe(40);
    }

    [Theory, OnEveryEngine]
    public async Task A_refund_takes_back_its_share_of_what_is_left_and_never_more(StorageEngine engine)
    {
        await using var shop = await SimulatedShop.OpenAsync(engine, servers);
        var ann = await shop.SignUpAsync();
        await shop.BuyAsync(ann, new { plan = "team" });
        await shop.BuyAsync(ann, new { credits = "small" });
        await UseAsync(ann, 110);

        await shop.RefundCreditsAsync(amount: 450);
        await LeftAsync(ann, 40 - 10 - 20);
        await shop.RefundCreditsAsync(amount: 450);
        await LeftAsync(ann, 0);

        (await ann.ReserveAsync()).Status.ShouldBe(402);
    }

    [Theory, OnEveryEngine]
    public async Task A_dispute_takes_all_that_is_left_until_it_is_won(StorageEngine engine)
    {
        await using var shop = await SimulatedShop.OpenAsync(engine, servers);
        var ann = await shop.SignUpAsync();
        await shop.BuyAsync(ann, new { plan = "team" });
        await shop.BuyAsync(ann, new { credits = "small" });
        await UseAsync(ann, 110);

        var dispute = await shop.DisputeCreditsAsync();
        await LeftAsync(ann, 0);
        (await ann.ReserveAsync()).Status.ShouldBe(402);
        await shop.CloseDisputeAsync(dispute, isWon: true);

        await LeftAsync(ann, 40 - 10);
        await UseAsync(ann, 30);
    }

    [Theory, OnEveryEngine]
    public async Task A_dispute_that_is_lost_takes_the_rest_for_good_and_what_is_used_stays_used(StorageEngine engine)
    {
        await using var shop = await SimulatedShop.OpenAsync(engine, servers);
        var ann = await shop.SignUpAsync();
        await shop.BuyAsync(ann, new { plan = "team" });
        await shop.BuyAsync(ann, new { credits = "small" });
        await UseAsync(ann, 110);

        await shop.CloseDisputeAsync(await shop.DisputeCreditsAsync(), isWon: false);

        await LeftAsync(ann, 0);
        (await ann.ReserveAsync()).Status.ShouldBe(402);
        (await shop.Own.Store.ReadNumberAsync("select drawn from credit_grants")).ShouldBe(10);
        (await ann.Key.GetAsync("/quota"))["migrations_used"].GetInt64().ShouldBe(110);
    }

    [Theory, OnEveryEngine]
    public async Task What_a_deleted_account_used_and_was_not_reported_yet_is_on_its_last_invoice(StorageEngine engine)
    {
        await using var shop = await SimulatedShop.OpenAsync(engine, servers);
        var ann = await shop.SignUpAsync();
        await shop.BuyAsync(ann, new { plan = "team" });
        await ann.Key.PostAsync("/billing/overage", new { cap = 30 });
        shop.RefuseReports();
        await UseAsync(ann, 112);
        await Eventually.IsTrueAsync(
            async () => await shop.Own.Store.ReadNumberAsync("select count(*) from meter_events where failure is not null") == 1,
            cancellationToken: Cancellation);

        shop.TakeReports();
        await shop.AdvanceAsync(days: 1);
        (await ann.Session.SendAsync(HttpMethod.Delete, "/auth/account", new { password = TestAccount.Password })).Status.ShouldBe(204);

        await Eventually.HoldsAsync(
            async () => (await shop.PaidAtStripeAsync()).ShouldBe([12 * UnitOfOverage, TeamMonth]), cancellationToken: Cancellation);
    }

    /// <summary>Refused until the period in which it was used has been invoiced.</summary>
    [Theory, OnBothEngines]
    public async Task Overage_that_is_reported_late_is_on_the_invoice_of_the_next_period(StorageEngine engine)
    {
        await using var shop = await SimulatedShop.OpenAsync(engine, servers);
        var ann = await shop.SignUpAsync();
        await shop.BuyAsync(ann, new { plan = "team" });
        await ann.Key.PostAsync("/billing/overage", new { cap = 30 });
        shop.RefuseReports(status: 400);
        await UseAsync(ann, 112);
        await Eventually.IsTrueAsync(
            async () => await shop.Own.Store.ReadNumberAsync("select count(*) from meter_events where failure is not null") == 1,
            cancellationToken: Cancellation);
        await shop.AdvanceAsync(days: 31);
        (await SimulatedShop.PaidAsync(ann)).ShouldBe([TeamMonth, TeamMonth]);

        shop.TakeReports();
        shop.Own.Clock.Jump(TimeSpan.FromDays(31));
        await shop.EverythingIsReportedAsync();
        await shop.AdvanceAsync(days: 31);

        (await SimulatedShop.PaidAsync(ann)).ShouldBe([TeamMonth + (12 * UnitOfOverage), TeamMonth, TeamMonth]);
    }

    [Theory, OnEveryEngine]
    public async Task Without_a_subscription_there_is_no_overage(StorageEngine engine)
    {
        await using var shop = await SimulatedShop.OpenAsync(engine, servers);
        var ann = await shop.SignUpAsync();

        (await ann.Key.PostAsync("/billing/overage", new { cap = 30 })).ShouldBeProblem(409, "conflict").Detail!
            .ShouldContain("Subscribe first");
        (await ann.Key.PostAsync("/billing/overage", new { cap = -1 })).Status.ShouldBe(422);
        (await ann.Key.PostAsync("/billing/checkout", new { credits = "none" })).Status.ShouldBe(400);
    }

    private static async Task LeftAsync(TestAccount account, long credits) =>
        (await account.Key.GetAsync("/quota"))["credits"].GetInt64().ShouldBe(credits);

    private static async Task UseAsync(TestAccount account, int quantity, int? commits = null)
    {
        var held = await account.ReserveAsync(quantity);
        held.Status.ShouldBe(201, held.Text);
        (await account.CommitAsync(held.Id(), new { quantity = commits ?? quantity })).Status.ShouldBe(200);
    }
}
