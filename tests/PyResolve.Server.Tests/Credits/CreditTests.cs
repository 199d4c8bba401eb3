using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Credits;

/// <summary>What a plan's quota does not cover is drawn on credits, then on overage, and given back in the opposite order.</summary>
public sealed class CreditTests(SharedServers servers)
{
    [Theory, OnEveryEngine]
    public async Task A_reservation_draws_on_the_plan_then_on_credits_then_on_overage(StorageEngine engine)
    {
        await using var shop = await CreditShop.OpenAsync(engine, servers, limit: 2);
        var account = await shop.SignUpAsync(credits: 3, overage: 4);

        var held = await account.ReserveAsync(quantity: 7);

        held.Status.ShouldBe(201, held.Text);
        (await CreditShop.ReadAsync(account)).ShouldBe(new BeyondView(Used: 0, Held: 7, Remaining: 0, Credits: 0, Overage: 2));
        var receipt = (await account.Key.GetAsync($"/quota/reservations/{held.Id()}"))["receipt"];
        receipt.GetProperty("reason").GetString().ShouldBe(
            "Granted: of the 7 asked for, the pro plan's quota covers 2, credits 3, overage 2.");
        receipt.ToString().ShouldNotContain("charged");
    }

    [Theory, OnBothEngines]
    public async Task The_receipt_says_what_a_commit_was_charged_and_that_a_release_was_charged_nothing(StorageEngine engine)
    {
        await using var shop = await CreditShop.OpenAsync(engine, servers, limit: 2);
        var account = await shop.SignUpAsync(credits: 3, overage: 4);
        var (committed, released) = ((await account.ReserveAsync(quantity: 7)).Id(), (await account.ReserveAsync(quantity: 1)).Id());

        (await account.CommitAsync(committed, new { quantity = 6 })).Status.ShouldBe(200);
        await account.ReleaseAsync(released);

        (await ChargedAsync(committed)).ShouldBe((3, 1));
        (await ChargedAsync(released)).ShouldBe((0, 0));

        async Task<(int Credits, int Overage)> ChargedAsync(Guid id)
        {
            var receipt = (await account.Key.GetAsync($"/quota/reservations/{id}"))["receipt"];
            return (receipt.GetProperty("charged_credits").GetInt32(), receipt.GetProperty("charged_overage").GetInt32());
        }
    }

    [Theory, OnEveryEngine]
    public async Task More_than_all_of_them_is_refused_and_draws_nothing(StorageEngine engine)
    {
        await using var shop = await CreditShop.OpenAsync(engine, servers, limit: 2);
        var account = await shop.SignUpAsync(credits: 3, overage: 4);

        (await account.ReserveAsync(quantity: 10)).ShouldBeProblem(402, "quota_exceeded");

        (await CreditShop.ReadAsync(account)).ShouldBe(new BeyondView(0, 0, Remaining: 2, Credits: 3, Overage: 0));
    }

    [Theory, OnEveryEngine]
    public async Task A_released_reservation_gives_everything_back(StorageEngine engine)
    {
        await using var shop = await CreditShop.OpenAsync(engine, servers, limit: 2);
        var account = await shop.SignUpAsync(credits: 3, overage: 4);
        var held = await account.ReserveAsync(quantity: 7);

        (await account.ReleaseAsync(held.Id())).Status.ShouldBe(200);

        (await CreditShop.ReadAsync(account)).ShouldBe(new BeyondView(0, 0, Remaining: 2, Credits: 3, Overage: 0));
        await shop.AddUpAsync();
    }

    [Theory, OnEveryEngine]
    public async Task An_expired_reservation_gives_everything_back(StorageEngine engine)
    {
        await using var shop = await CreditShop.OpenAsync(engine, servers, limit: 2);
        var account = await shop.SignUpAsync(credits: 3, overage: 4);
        await account.ReserveAsync(quantity: 7, ttlSeconds: 60);

        shop.Own.Clock.Jump(TimeSpan.FromSeconds(60));

        (await CreditShop.ReadAsync(account)).ShouldBe(new BeyondView(0, 0, Remaining: 2, Credits: 3, Overage: 0));
        (await account.ReserveAsync(quantity: 9)).Status.ShouldBe(201);
        await shop.AddUpAsync();
    }

    [Theory, OnEveryEngine]
    public async Task A_commit_of_fewer_units_gives_overage_back_first_and_then_credits(StorageEngine engine)
    {
        await using var shop = await CreditShop.OpenAsync(engine, servers, limit: 2);
        var account = await shop.SignUpAsync(credits: 3, overage: 4);
        var held = await account.ReserveAsync(quantity: 7);

        (await account.CommitAsync(held.Id(), new { quantity = 4 })).Status.ShouldBe(200);

        (await CreditShop.ReadAsync(account)).ShouldBe(new BeyondView(Used: 4, Held: 0, Remaining: 0, Credits: 1, Overage: 0));
        (await shop.Own.Store.ReadNumberAsync("select credits from usage_events")).ShouldBe(2);
        (await shop.Own.Store.ReadNumberAsync("select count(*) from meter_events")).ShouldBe(0);
        await shop.AddUpAsync();
    }

    [Theory, OnEveryEngine]
    public async Task A_committed_unit_of_overage_is_written_for_the_meter_under_the_events_id(StorageEngine engine)
    {
        await using var shop = await CreditShop.OpenAsync(engine, servers, limit: 2);
        var account = await shop.SignUpAsync(credits: 3, overage: 4);
        var held = await account.ReserveAsync(quantity: 7);

        var committed = await account.CommitAsync(held.Id(), new { quantity = 6 });
        await account.CommitAsync(held.Id(), new { quantity = 6 });

        var row = await shop.Own.Store.ReadRowAsync("select identifier, units, plan from meter_events");
        row["identifier"].ShouldBe(committed["usage_event_id"].GetString());
        Convert.ToInt64(row["units"], null).ShouldBe(1);
        row["plan"].ShouldBe("pro");
        (await CreditShop.ReadAsync(account)).ShouldBe(new BeyondView(Used: 6, Held: 0, Remaining: 0, Credits: 0, Overage: 1));
        await shop.AddUpAsync();
    }

    [Theory, OnEveryEngine]
    public async Task Events_that_name_a_reservation_spend_the_plans_units_first(StorageEngine engine)
    {
        await using var shop = await CreditShop.OpenAsync(engine, servers, limit: 1);
        var account = await shop.SignUpAsync(credits: 1, overage: 4);
        var held = await account.ReserveAsync(quantity: 3);

        for (var unit = 0; unit < 3; unit++)
            (await account.SpendAsync(held.Id())).Status.ShouldBe(200);

        (await shop.Own.Store.ReadNumberAsync("select sum(credits) from usage_events")).ShouldBe(1);
        (await shop.Own.Store.ReadNumberAsync("select sum(overage) from usage_events")).ShouldBe(1);
        (await shop.Own.Store.ReadNumberAsync("select count(*) from usage_events where credits is null")).ShouldBe(1);
        await shop.AddUpAsync();
    }

    [Theory, OnEveryEngine]
    public async Task What_remains_is_of_the_plan_alone(StorageEngine engine)
    {
        await using var shop = await CreditShop.OpenAsync(engine, servers, limit: 2);
        var account = await shop.SignUpAsync(credits: 1);
        var ofPlan = await account.ReserveAsync(quantity: 2);
        (await account.Key.GetAsync("/quota"))["can_migrate"].GetBoolean().ShouldBeTrue();
        await account.ReserveAsync(quantity: 1);
        (await account.Key.GetAsync("/quota"))["can_migrate"].GetBoolean().ShouldBeFalse();

        await account.ReleaseAsync(ofPlan.Id());

        (await CreditShop.ReadAsync(account)).ShouldBe(new BeyondView(Used: 0, Held: 1, Remaining: 1, Credits: 0, Overage: 0));
        (await account.ReserveAsync(quantity: 2)).Status.ShouldBe(201);
    }

    [Theory, OnEveryEngine]
    public async Task A_commit_without_an_id_is_billed_under_its_reservations(StorageEngine engine)
    {
        await using var shop = await CreditShop.OpenAsync(engine, servers, limit: 0);
        var account = await shop.SignUpAsync(overage: 1);
        var held = await account.ReserveAsync();

        var committed = await account.CommitAsync(held.Id());

        committed["usage_event_id"].GetGuid().ShouldBe(held.Id());
        (await shop.Own.Store.ReadSqlAsync("select identifier from meter_events")).ShouldBe($"{held.Id()}");
    }

    [Theory, OnEveryEngine]
    public async Task Two_accounts_that_use_one_event_id_are_both_billed(StorageEngine engine)
    {
        await using var shop = await CreditShop.OpenAsync(engine, servers, limit: 0);
        var (one, other) = (await shop.SignUpAsync(overage: 1), await shop.SignUpAsync(overage: 1));
        var id = Guid.Parse("019ab3c2-7d1e-7c4a-9f0b-0000000000aa");

        foreach (var account in new[] { one, other })
            (await account.CommitAsync((await account.ReserveAsync()).Id(), new { id })).Status.ShouldBe(200);

        (await shop.Own.Store.ReadNumberAsync("select count(distinct identifier) from meter_events")).ShouldBe(2);
        await shop.AddUpAsync();
    }

    [Theory, OnEveryEngine]
    public async Task Credits_that_end_are_drawn_first_and_ended_ones_never(StorageEngine engine)
    {
        await using var shop = await CreditShop.OpenAsync(engine, servers, limit: 0);
        var account = await shop.SignUpAsync();
        var until = shop.Own.Clock.GetUtcNow().AddHours(1);
        await shop.GiveAsync(account, 5);
        await shop.GiveAsync(account, 5, until: until);

        await account.CommitAsync((await account.ReserveAsync(quantity: 3)).Id());
        shop.Own.Clock.Jump(TimeSpan.FromHours(1));

        (await CreditShop.ReadAsync(account)).Credits.ShouldBe(5);
        (await account.ReserveAsync(quantity: 6)).ShouldBeProblem(402, "quota_exceeded");
        (await account.ReserveAsync(quantity: 5)).Status.ShouldBe(201);
    }

    [Theory, OnEveryEngine]
    public async Task One_reference_gives_credits_once(StorageEngine engine)
    {
        await using var shop = await CreditShop.OpenAsync(engine, servers);
        var account = await shop.SignUpAsync();

        var given = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => shop.GiveAsync(account, 5, "cs_1")));

        given.Count(static isGiven => isGiven).ShouldBe(1);
        (await CreditShop.ReadAsync(account)).Credits.ShouldBe(5);
    }

    [Theory, OnEveryEngine]
    public async Task Units_that_return_to_a_refunded_purchase_cannot_be_drawn_again(StorageEngine engine)
    {
        await using var shop = await CreditShop.OpenAsync(engine, servers, limit: 0);
        var account = await shop.SignUpAsync();
        await shop.GiveAsync(account, 5, "cs_1");
        var held = await account.ReserveAsync(quantity: 3);

        await shop.Database.WriteAsync(
            session => session.EndAsync([.. Ledger.CreditGrants.TakeBack(session, [(account.UserId, "cs_1", 100)])]),
            CreditShop.Cancellation);
        (await CreditShop.ReadAsync(account)).Credits.ShouldBe(0);
        await account.ReleaseAsync(held.Id());

        (await CreditShop.ReadAsync(account)).ShouldBe(new BeyondView(0, 0, 0, Credits: 0, Overage: 0));
        (await account.ReserveAsync()).ShouldBeProblem(402, "quota_exceeded");
    }

    [Theory, OnEveryEngine]
    public async Task Units_that_return_to_credits_that_have_ended_or_were_taken_back_are_not_left(StorageEngine engine)
    {
        await using var shop = await CreditShop.OpenAsync(engine, servers, limit: 0);
        var account = await shop.SignUpAsync();
        await shop.GiveAsync(account, 3, "ends", shop.Own.Clock.GetUtcNow().AddDays(1));
        await shop.GiveAsync(account, 5, "taken", shop.Own.Clock.GetUtcNow().AddDays(2));
        await shop.GiveAsync(account, 2, "stays");
        (await account.ReserveAsync(quantity: 9)).Status.ShouldBe(201);

        // Due, and not settled yet.
        await shop.Own.Store.ExecuteSqlAsync("update credit_grants set expires_at = created_at where reference = 'ends'");
        await shop.Own.Store.ExecuteSqlAsync("update credit_grants set taken = 4 where reference = 'taken'");
        await shop.Own.Store.ExecuteSqlAsync("update reservations set expires_at = created_at");

        var shown = new BeyondView(Used: 0, Held: 0, Remaining: 0, Credits: 1 + 2, Overage: 0);
        (await CreditShop.ReadAsync(account)).ShouldBe(shown);
        (await account.ReserveAsync(quantity: 4)).Status.ShouldBe(402);
        (await CreditShop.ReadAsync(account)).ShouldBe(shown);
        (await account.ReserveAsync(quantity: 3)).Status.ShouldBe(201);
    }

    [Theory, OnEveryEngine]
    public async Task A_lease_that_is_never_settled_keeps_its_credits_and_bills_no_overage(StorageEngine engine)
    {
        await using var shop = await CreditShop.OpenAsync(engine, servers, limit: 0);
        var account = await shop.SignUpAsync(credits: 1, overage: 1);
        var held = await account.ReserveAsync(quantity: 2, ttlSeconds: 60, machine: "m");

        shop.Own.Clock.Jump(TimeSpan.FromSeconds(61));

        var isLeased = held["lease"].ValueKind is System.Text.Json.JsonValueKind.String;
        (await CreditShop.ReadAsync(account)).ShouldBe(
            isLeased ? new BeyondView(Used: 2, Held: 0, 0, Credits: 0, Overage: 1) : new BeyondView(0, 0, 0, Credits: 1, Overage: 0));
        (await shop.Own.Store.ReadNumberAsync("select count(*) from meter_events")).ShouldBe(0);
        await shop.AddUpAsync();
    }

    [Theory, OnEveryEngine]
    public async Task The_default_catalogue_says_nothing_of_credits(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();

        var quota = await account.Key.GetAsync("/quota");

        quota.Text.ShouldNotContain("credits");
        quota.Text.ShouldNotContain("overage");
    }
}
