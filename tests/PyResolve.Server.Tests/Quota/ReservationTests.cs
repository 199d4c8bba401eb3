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
    public async Task Committing_again_answers_the_same_and_debits_nothing_more(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var id = (await account.ReserveAsync()).Id();

        var first = await account.CommitAsync(id, new { files_changed = 1 });
        var second = await account.CommitAsync(id, new { files_changed = 1 });

        second["usage_event_id"].GetGuid().ShouldBe(first["usage_event_id"].GetGuid());
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 1, Held: 0, Remaining: 4));
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
    public async Task A_retry_with_the_same_Idempotency_Key_gets_the_same_reservation(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);

        var first = await account.ReserveAsync(idempotencyKey: "build-7");
        var retry = await account.ReserveAsync(idempotencyKey: "build-7");
        var other = await account.ReserveAsync(quantity: 2, idempotencyKey: "build-7");

        retry.Status.ShouldBe(201);
        retry.Id().ShouldBe(first.Id());
        other.Status.ShouldBe(409);
        (await account.QuotaAsync()).Held.ShouldBe(1);
    }

    [Theory, OnEveryEngine]
    public async Task Retries_sent_during_the_first_request_wait_and_get_its_answer(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        await account.WarmUpAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => account.ReserveAsync(idempotencyKey: "one")));

        answers.ShouldAllBe(answer => answer.Status == 201);
        answers.Select(answer => answer.Id()).Distinct().Count().ShouldBe(1);
        (await account.QuotaAsync()).Held.ShouldBe(1);
    }

    [Theory, OnEveryEngine]
    public async Task A_refusal_is_forgotten_so_that_the_same_key_may_succeed_later(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var blocking = (await account.ReserveAsync(quantity: 5)).Id();
        (await account.ReserveAsync(idempotencyKey: "later")).Status.ShouldBe(402);

        await account.Key.DeleteAsync($"/quota/reservations/{blocking}");

        (await account.ReserveAsync(idempotencyKey: "later")).Status.ShouldBe(201);
    }

    [Theory, OnEveryEngine]
    public async Task The_same_work_within_a_day_is_reserved_and_paid_once(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();

        var first = await account.ReserveAsync(onceKey: "commit-abc");
        var whileHeld = await account.ReserveAsync(onceKey: "commit-abc");
        await account.CommitAsync(first.Id());
        var afterwards = await account.ReserveAsync(onceKey: "commit-abc");

        (whileHeld.Status, whileHeld.Id()).ShouldBe((200, first.Id()));
        (afterwards.Status, afterwards["state"].GetString()).ShouldBe((200, "committed"));
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 1, Held: 0, Remaining: 4));
        own.Clock.Advance(TimeSpan.FromHours(25));
        (await account.ReserveAsync(onceKey: "commit-abc")).Status.ShouldBe(201);
    }

    [Theory, OnEveryEngine]
    public async Task A_once_key_is_answered_at_most_64_times_without_a_debit(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        await account.CommitAsync((await account.ReserveAsync(onceKey: "matrix")).Id());

        for (var i = 0; i < 64; i++)
            (await account.ReserveAsync(onceKey: "matrix")).Status.ShouldBe(200);

        (await account.ReserveAsync(onceKey: "matrix")).Status.ShouldBe(409);
    }

    [Theory, OnEveryEngine]
    public async Task A_released_once_key_may_be_reserved_again(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var first = await account.ReserveAsync(onceKey: "again");
        await account.Key.DeleteAsync($"/quota/reservations/{first.Id()}");

        var second = await account.ReserveAsync(onceKey: "again");

        second.Status.ShouldBe(201);
        second.Id().ShouldNotBe(first.Id());
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
    public async Task More_than_the_reservation_has_left_cannot_be_committed(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var id = (await account.ReserveAsync(quantity: 2)).Id();

        var answer = await account.CommitAsync(id, new { quantity = 3 });

        answer.Status.ShouldBe(422);
        answer["errors"].TryGetProperty("quantity", out _).ShouldBeTrue();
        (await account.QuotaAsync()).Held.ShouldBe(2);
    }

    [Theory, OnEveryEngine]
    public async Task Events_that_name_a_reservation_spend_it_unit_by_unit(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var id = (await account.ReserveAsync(quantity: 2)).Id();
        object spend = new { event_type = "migration", tier = "tier1", reservation_id = id };

        (await account.Key.PostAsync("/usage", spend)).Status.ShouldBe(200);
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 1, Held: 1, Remaining: 3));
        (await account.Key.PostAsync("/usage", spend)).Status.ShouldBe(200);

        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 2, Held: 0, Remaining: 3));
        (await account.Key.GetAsync($"/quota/reservations/{id}"))["state"].GetString().ShouldBe("committed");
    }

    [Theory, OnEveryEngine]
    public async Task A_commit_under_an_id_that_another_event_has_is_a_conflict_and_keeps_the_reservation(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var taken = Guid.CreateVersion7();
        await account.Key.PostAsync("/usage", new { event_type = "scan", id = taken });
        var id = (await account.ReserveAsync()).Id();

        var answer = await account.CommitAsync(id, new { id = taken });

        answer.Status.ShouldBe(409);
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 0, Held: 1, Remaining: 4));
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
    public async Task A_late_commit_pays_only_for_what_events_have_not_spent(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var id = (await account.ReserveAsync(quantity: 3)).Id();
        for (var i = 0; i < 2; i++)
            await account.Key.PostAsync("/usage", new { event_type = "migration", tier = "tier1", reservation_id = id });
        await account.Key.DeleteAsync($"/quota/reservations/{id}");

        (await account.CommitAsync(id, new { quantity = 2 })).Status.ShouldBe(422);
        (await account.CommitAsync(id)).Status.ShouldBe(200);

        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 3, Held: 0, Remaining: 2));
    }

    [Theory, OnEveryEngine]
    public async Task A_once_key_does_not_cover_another_tier_or_quantity(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        await account.ReserveAsync(onceKey: "work");

        (await account.ReserveAsync(tier: "tier3", onceKey: "work")).Code.ShouldBe("llm_not_allowed");
        (await account.ReserveAsync(quantity: 3, onceKey: "work")).Status.ShouldBe(409);
    }

    [Theory, OnEveryEngine]
    public async Task A_once_key_answers_as_before_after_a_downgrade(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await own.Store.ExecuteSqlAsync("update profiles set plan = 'pro'");
        var id = (await account.ReserveAsync(tier: "tier2", onceKey: "work")).Id();
        await account.CommitAsync(id);
        await own.Store.ExecuteSqlAsync("update profiles set plan = 'free'");

        var again = await account.ReserveAsync(tier: "tier2", onceKey: "work");

        (again.Status, again.Id()).ShouldBe((200, id));
        (await account.ReserveAsync(tier: "tier2", onceKey: "other-work")).Code.ShouldBe("llm_not_allowed");
    }

    [Theory, OnEveryEngine]
    public async Task One_id_sent_as_a_commit_and_as_an_event_at_once_is_recorded_once(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await own.Store.ExecuteSqlAsync("update profiles set plan = 'unlimited'");
        for (var round = 0; round < 20; round++)
        {
            var (reservation, same) = ((await account.ReserveAsync()).Id(), Guid.CreateVersion7());

            var answers = await Task.WhenAll(
                account.CommitAsync(reservation, new { id = same }),
                account.Key.PostAsync("/usage", new { event_type = "migration", tier = "tier1", id = same }));

            answers.Select(answer => answer.Status).Order().ShouldBe([200, 409]);
        }

        (await own.Store.ReadNumberAsync("select count(*) from usage_events")).ShouldBe(20);
        (await own.Store.ReadNumberAsync("select migrations from usage_monthly")).ShouldBe(20);
    }

    [Theory, OnEveryEngine]
    public async Task A_commit_under_the_id_of_an_event_that_spent_the_reservation_is_a_conflict(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var id = (await account.ReserveAsync(quantity: 2)).Id();
        var taken = Guid.CreateVersion7();
        await account.Key.PostAsync(
            "/usage", new { event_type = "migration", tier = "tier1", library = "pydantic", reservation_id = id, id = taken });

        (await account.CommitAsync(id, new { quantity = 1, id = taken })).Status.ShouldBe(409);
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 1, Held: 1, Remaining: 3));
    }

    [Theory, OnEveryEngine]
    public async Task A_retry_of_a_request_that_a_once_key_answered_gets_the_same_answer_and_counts_once(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var id = (await account.ReserveAsync(onceKey: "work")).Id();
        await account.CommitAsync(id);

        var answers = new List<Answer>();
        for (var i = 0; i < 3; i++)
            answers.Add(await account.ReserveAsync(onceKey: "work", idempotencyKey: "matrix-2"));
        own.Clock.Advance(TimeSpan.FromHours(25));
        answers.Add(await account.ReserveAsync(onceKey: "work", idempotencyKey: "matrix-2"));

        answers.ShouldAllBe(answer => answer.Status == 200 && answer.Id() == id && answer["state"].GetString() == "committed");
        (await account.ReserveAsync(onceKey: "other", idempotencyKey: "matrix-2")).Status.ShouldBe(409);
        (await own.Store.ReadNumberAsync("select once_answers from reservations")).ShouldBe(1);
    }

    [Theory, OnEveryEngine]
    public async Task Requests_for_the_same_work_that_race_get_one_reservation(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        await account.WarmUpAsync();

        var answers = await Task.WhenAll(
            Enumerable.Range(0, 20).Select(i => account.ReserveAsync(onceKey: "same", idempotencyKey: $"leg-{i % 10}")));

        answers.ShouldAllBe(answer => answer.Status == 200 || answer.Status == 201);
        answers.Select(answer => answer.Id()).Distinct().Count().ShouldBe(1);
        (await account.QuotaAsync()).Held.ShouldBe(1);
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
