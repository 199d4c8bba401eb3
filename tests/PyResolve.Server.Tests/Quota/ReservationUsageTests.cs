namespace PyResolve.Server.Tests.Quota;

/// <summary>Usage events and commits that spend a reservation.</summary>
public sealed class ReservationUsageTests(SharedServers servers)
{
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
}
