using System.Text.Json;

namespace PyResolve.Server.Tests.Quota;

public sealed class ReservationTests(SharedServers servers)
{
    [Theory, OnEveryEngine]
    public async Task A_reservation_counts_against_the_quota_until_it_is_settled(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);

        var held = await account.ReserveAsync(quantity: 2);

        held.Status.ShouldBe(201);
        held["state"].GetString().ShouldBe("held");
        held["remaining"].GetInt32().ShouldBe(2);
        held["lease"].ValueKind.ShouldBe(JsonValueKind.Null);
        var quota = await account.QuotaAsync();
        (quota.Used, quota.Held, quota.Remaining).ShouldBe((0, 2, 3));
    }

    [Theory, OnEveryEngine]
    public async Task A_commit_records_one_event_of_its_quantity_and_gives_the_rest_back(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var id = (await account.ReserveAsync(quantity: 3)).Id();

        var committed = await account.CommitAsync(id, new { quantity = 2, files_changed = 7, tokens_used = 11 });

        committed.Status.ShouldBe(200);
        committed["state"].GetString().ShouldBe("committed");
        committed["remaining"].GetInt32().ShouldBe(0);
        committed["usage_event_id"].GetGuid().ShouldNotBe(Guid.Empty);
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 2, Held: 0, Remaining: 3));
    }

    [Theory, OnEveryEngine]
    public async Task Releasing_gives_the_units_back_once(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var id = (await account.ReserveAsync(quantity: 4)).Id();

        var first = await account.Key.DeleteAsync($"/quota/reservations/{id}");
        var second = await account.Key.DeleteAsync($"/quota/reservations/{id}");

        first["state"].GetString().ShouldBe("released");
        second["state"].GetString().ShouldBe("released");
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 0, Held: 0, Remaining: 5));
    }

    [Theory, OnEveryEngine]
    public async Task A_committed_reservation_cannot_be_released(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var id = (await account.ReserveAsync()).Id();
        await account.CommitAsync(id);

        var answer = await account.Key.DeleteAsync($"/quota/reservations/{id}");

        answer.Status.ShouldBe(409);
        answer.Code.ShouldBe("conflict");
    }

    [Theory, OnEveryEngine]
    public async Task A_commit_after_release_still_records_what_happened_flagged_late(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var id = (await account.ReserveAsync()).Id();
        await account.Key.DeleteAsync($"/quota/reservations/{id}");

        var committed = await account.CommitAsync(id);

        committed.Status.ShouldBe(200);
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 1, Held: 0, Remaining: 4));
        (await own.Store.ReadNumberAsync("select count(*) from usage_events where late")).ShouldBe(1);
    }

    [Theory, OnEveryEngine]
    public async Task An_expired_reservation_counts_no_longer_and_a_late_commit_still_records(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var id = (await account.ReserveAsync(quantity: 5, ttlSeconds: 60)).Id();

        own.Clock.Advance(TimeSpan.FromSeconds(60));

        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 0, Held: 0, Remaining: 5));
        (await account.Key.GetAsync($"/quota/reservations/{id}"))["state"].GetString().ShouldBe("expired");
        (await account.ReserveAsync(quantity: 5)).Status.ShouldBe(201);
        (await account.CommitAsync(id)).Status.ShouldBe(200);
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 5, Held: 5, Remaining: 0));
    }

    [Theory, OnEveryEngine]
    public async Task A_reservation_and_its_commit_count_in_the_month_in_which_it_was_granted(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, startAt: "2026-11-30T23:59:00Z");
        var account = await own.SignUpAsync();
        var id = (await account.ReserveAsync()).Id();

        own.Clock.Advance(TimeSpan.FromMinutes(2));
        await account.CommitAsync(id);

        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 0, Held: 0, Remaining: 5));
        (await own.Store.ReadNumberAsync("select migrations from usage_monthly where month = '2026-11'")).ShouldBe(1);
    }

    [Theory, OnEveryEngine]
    public async Task A_used_up_quota_is_refused_with_402_that_says_when_it_resets(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        await account.ReserveAsync(quantity: 5);

        var refused = await account.ReserveAsync();

        refused.Status.ShouldBe(402);
        refused.Code.ShouldBe("quota_exceeded");
        refused["upgrade_url"].GetString().ShouldNotBeNullOrEmpty();
        refused["resets_at"].GetDateTimeOffset().Day.ShouldBe(1);
    }

    [Theory, OnEveryEngine]
    public async Task An_llm_tier_is_refused_before_the_quota_is_looked_at(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        await account.ReserveAsync(quantity: 5);

        var refused = await account.ReserveAsync(tier: "tier2");

        refused.Status.ShouldBe(403);
        refused.Code.ShouldBe("llm_not_allowed");
    }

    [Theory, OnEveryEngine]
    public async Task Unlimited_plans_get_a_receipt_too(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await own.Store.ExecuteSqlAsync("update profiles set plan = 'unlimited'");

        var id = (await account.ReserveAsync(quantity: 1000, tier: "tier3")).Id();
        var receipt = (await account.Key.GetAsync($"/quota/reservations/{id}"))["receipt"];

        receipt.GetProperty("plan").GetString().ShouldBe("unlimited");
        receipt.GetProperty("limit").GetString().ShouldBe("unlimited");
        receipt.GetProperty("used_before").GetInt64().ShouldBe(0);
        receipt.GetProperty("reason").GetString().ShouldNotBeNullOrEmpty();
    }

    [Theory, OnEveryEngine]
    public async Task Another_accounts_reservation_is_not_found(StorageEngine engine)
    {
        var owner = await servers.SignUpAsync(engine);
        var stranger = await servers.SignUpAsync(engine);
        var id = (await owner.ReserveAsync()).Id();

        (await stranger.Key.GetAsync($"/quota/reservations/{id}")).Status.ShouldBe(404);
        (await stranger.CommitAsync(id)).Status.ShouldBe(404);
        (await stranger.Key.DeleteAsync($"/quota/reservations/{id}")).Status.ShouldBe(404);
    }

    [Theory, OnEveryEngine]
    public async Task A_change_of_plan_counts_from_the_next_reservation_on(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await account.ReserveAsync(quantity: 5);

        await own.Store.ExecuteSqlAsync("update profiles set plan = 'pro'");
        (await account.ReserveAsync(quantity: 45, tier: "tier2")).Status.ShouldBe(201);
        (await account.ReserveAsync()).Status.ShouldBe(402);
        await own.Store.ExecuteSqlAsync("update profiles set plan = 'free'");

        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 0, Held: 50, Remaining: 0));
    }

    [Theory, OnEveryEngine]
    public async Task A_smaller_plan_keeps_what_was_granted_and_grants_nothing_more(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await own.Store.ExecuteSqlAsync("update profiles set plan = 'pro'");
        var id = (await account.ReserveAsync(quantity: 10, tier: "tier2")).Id();
        await own.Store.ExecuteSqlAsync("update profiles set plan = 'free'");

        (await account.ReserveAsync()).Status.ShouldBe(402);
        (await account.ReserveAsync(tier: "tier2")).Code.ShouldBe("llm_not_allowed");
        (await account.CommitAsync(id)).Status.ShouldBe(200);
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 10, Held: 0, Remaining: 0));
        await own.Store.ExecuteSqlAsync("update profiles set plan = 'unlimited'");

        (await account.ReserveAsync(quantity: 1000)).Status.ShouldBe(201);
    }
}
