using PyResolve.Server.Tests.Credits;

namespace PyResolve.Server.Tests.Accounts;

/// <summary>The free quota is one a month for each mailbox, however often its account is deleted.</summary>
public sealed class QuotaRenewalTests(SharedServers servers)
{
    private const string Email = "ada@example.com";

    [Theory, OnEveryEngine]
    public async Task Deleting_an_account_and_signing_up_again_does_not_renew_the_free_quota(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync(Email);
        var hold = await account.ReserveAsync(quantity: 4);
        (await account.CommitAsync(hold.Id(), new { quantity = 3 })).Status.ShouldBe(200);
        (await account.ReserveAsync()).Status.ShouldBe(201);
        (await account.Session.DeleteAccountAsync()).Status.ShouldBe(204);

        var again = await own.SignUpAsync("ADA@example.com.");

        (await again.QuotaAsync()).ShouldBe(new QuotaView(Used: 4, Held: 0, Remaining: 1));
        (await again.ReserveAsync(quantity: 2)).Status.ShouldBe(402);
        (await again.ReserveAsync()).Status.ShouldBe(201);
        (await again.Session.DeleteAccountAsync()).Status.ShouldBe(204);
        (await (await own.SignUpAsync(Email)).QuotaAsync()).Remaining.ShouldBe(0);
    }

    [Theory, OnBothEngines]
    public async Task The_use_that_is_carried_over_is_no_difference_to_a_recount_and_ends_with_the_month(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        await UseAndDeleteAsync(own);
        var again = await own.SignUpAsync(Email);

        var recount = await ServerProcess.RunAsync(["usage", "recompute"], own.Store.Settings, TestContext.Current.CancellationToken);

        recount.OrThrow("usage recompute").Output.ShouldContain("no difference");
        (await again.QuotaAsync()).Used.ShouldBe(5);
        (await again.Key.GetAsync("/usage"))["migrations"].GetInt64().ShouldBe(0);
        (await again.Session.DeleteAccountAsync()).Status.ShouldBe(204);
        own.Clock.Jump(TimeSpan.FromDays(31));
        (await (await own.SignUpAsync(Email)).QuotaAsync()).ShouldBe(new QuotaView(Used: 0, Held: 0, Remaining: 5));
    }

    [Theory, OnBothEngines]
    public async Task What_is_remembered_of_a_deleted_account_names_nobody_and_is_deleted_after_the_month(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        await UseAndDeleteAsync(own);
        (await own.Store.ReadNumberAsync("select count(*) from spent_quota where used = 5 and length(digest) = 32")).ShouldBe(1);

        own.Clock.Jump(TimeSpan.FromDays(31));

        await Eventually.IsTrueAsync(
            async () =>
            {
                own.Clock.Advance(PyResolve.Server.Accounts.Housekeeping.Interval);
                return await own.Store.ReadNumberAsync("select count(*) from spent_quota") == 0;
            },
            cancellationToken: TestContext.Current.CancellationToken);
    }

    [Theory, OnBothEngines]
    public async Task What_credits_and_overage_covered_was_paid_for_and_is_not_charged_to_the_next_account(StorageEngine engine)
    {
        await using var shop = await CreditShop.OpenAsync(engine, servers, limit: 2);
        var account = await shop.SignUpAsync(credits: 2, overage: 1);
        var email = (string)(await shop.Own.Store.ReadSqlAsync("select email from profiles"))!;
        (await account.CommitAsync((await account.ReserveAsync(quantity: 5)).Id())).Status.ShouldBe(200);
        (await account.Session.DeleteAccountAsync()).Status.ShouldBe(204);

        (await (await shop.Own.SignUpAsync(email)).QuotaAsync()).Used.ShouldBe(2);
    }

    [Theory, OnBothEngines]
    public async Task Others_do_not_pay_for_a_deleted_account(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        await UseAndDeleteAsync(own);

        (await (await own.SignUpAsync("grace@example.com")).QuotaAsync()).Used.ShouldBe(0);
    }

    private static async Task UseAndDeleteAsync(OwnServer own)
    {
        var account = await own.SignUpAsync(Email);
        for (var i = 0; i < 5; i++)
            (await account.Key.PostAsync("/usage", new { event_type = "migration", tier = "tier1" })).Status.ShouldBe(200);
        (await account.Session.DeleteAccountAsync()).Status.ShouldBe(204);
    }
}
