namespace PyResolve.Server.Tests.Quota;

/// <summary>What is sent again is granted and debited once.</summary>
public sealed class ReservationRetryTests(SharedServers servers)
{
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
}
