using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Quota;

/// <summary>Reservations of killed programs hold quota: a denial says until when, and their owner finds and releases them.</summary>
public sealed class HeldReservationTests(SharedServers servers)
{
    [Theory, OnEveryEngine]
    public async Task A_denial_that_only_abandoned_reservations_cause_says_when_they_end_and_how_to_release_them(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await account.ReserveAsync(3, ttlSeconds: 7200);
        var earliest = await account.ReserveAsync(2, ttlSeconds: 3600);

        var refused = await account.ReserveAsync();

        refused.ShouldBeProblem(402, "quota_exceeded");
        refused["held_until"].GetDateTimeOffset().ShouldBe(own.Clock.GetUtcNow().AddHours(1));
        refused.Detail!.ShouldContain($"ends at {own.Clock.GetUtcNow().AddHours(1):yyyy-MM-dd'T'HH:mm:ss'Z'}");
        refused.Detail!.ShouldContain("GET /quota/reservations?state=held");
        var held = await account.Key.GetAsync("/quota/reservations?state=held");
        held["data"].EnumerateArray().Select(one => one.GetProperty("quantity").GetInt32()).ShouldBe([2, 3]);
        held["next_cursor"].GetString().ShouldBeNull();
        (await account.Key.DeleteAsync($"/quota/reservations/{earliest.Id()}")).Status.ShouldBe(200);
        (await account.ReserveAsync(2)).Status.ShouldBe(201);
    }

    [Theory, OnEveryEngine]
    public async Task A_denial_that_waiting_does_not_change_names_no_reservation(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await account.CommitAsync((await account.ReserveAsync(4)).Id());
        await account.ReserveAsync(1);

        var beyondTheRest = await account.ReserveAsync(2);

        beyondTheRest.ShouldBeProblem(402, "quota_exceeded");
        beyondTheRest.Body.TryGetProperty("held_until", out _).ShouldBeFalse();
        (await account.ReserveAsync(1))["held_until"].GetDateTimeOffset().ShouldBe(own.Clock.GetUtcNow().AddMinutes(15));
    }

    [Theory, OnEveryEngine]
    public async Task A_list_of_reservations_that_fills_its_last_page_exactly_ends_there(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var (account, other) = (await own.SignUpAsync(), await own.SignUpAsync());
        await own.Store.ExecuteSqlAsync("update profiles set plan = 'unlimited'");
        var made = new List<Guid>();
        for (var i = 0; i < 100; i++)
            made.Add((await account.ReserveAsync()).Id());

        var full = await account.Key.GetAsync("/quota/reservations");
        made.Add((await account.ReserveAsync()).Id());
        var first = await account.Key.GetAsync("/quota/reservations?state=held");
        var second = await account.Key.GetAsync($"/quota/reservations?state=held&cursor={first["next_cursor"]}");

        (full["data"].GetArrayLength(), full["next_cursor"].GetString()).ShouldBe((100, null));
        (first["data"].GetArrayLength(), second["data"].GetArrayLength(), second["next_cursor"].GetString()).ShouldBe((100, 1, null));
        Ids(first).Concat(Ids(second)).ShouldBe(made.AsEnumerable().Reverse());
        (await other.Key.GetAsync("/quota/reservations"))["data"].GetArrayLength().ShouldBe(0);
    }

    [Theory, OnEveryEngine]
    public async Task Reservations_are_listed_by_the_state_that_they_have_now(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var expired = await account.ReserveAsync(ttlSeconds: 60);
        own.Clock.Advance(TimeSpan.FromSeconds(60));
        var (committed, released, held) = (await account.ReserveAsync(), await account.ReserveAsync(), await account.ReserveAsync());
        await account.CommitAsync(committed.Id());
        await account.ReleaseAsync(released.Id());

        (Answer Made, string State)[] expected = [(held, "held"), (committed, "committed"), (released, "released"), (expired, "expired")];
        foreach (var (made, state) in expected)
            Ids(await account.Key.GetAsync($"/quota/reservations?state={state}")).ShouldBe([made.Id()], state);
        Ids(await account.Key.GetAsync("/quota/reservations")).Count.ShouldBe(4);
        (await account.Key.GetAsync("/quota/reservations?state=open")).ShouldBlame("state");
        (await account.Key.GetAsync("/quota/reservations?cursor=1")).ShouldBlame("cursor");
    }

    private static List<Guid> Ids(Answer page) => [.. page["data"].EnumerateArray().Select(one => one.GetProperty("id").GetGuid())];
}
