using PyResolve.Server.Tests.Http;
using PyResolve.Server.Tests.Statistics;

namespace PyResolve.Server.Tests.Quota;

/// <summary>A holder extends a reservation while it works, and so needs no long one.</summary>
public sealed class ReservationExtensionTests(SharedServers servers)
{
    [Theory, OnEveryEngine]
    public async Task An_extension_moves_the_end_and_answers_with_the_reservation(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var id = (await account.ReserveAsync(quantity: 2, ttlSeconds: 60)).Id();
        own.Clock.Advance(TimeSpan.FromSeconds(59));

        var extended = await account.ExtendAsync(id, 90);

        extended.ShouldBeJson(200, $$"""
            {"id":"{{id}}","state":"held","quantity":2,"remaining":2,"tier":"tier1","library":"pydantic","month":"2026-11",
             "expires_at":"2026-11-15T12:02:29Z","lease":null,"key_id":"{{await account.KeyIdAsync()}}",
             "quota":{"plan":"free","migrations_used":0,"migrations_limit":5,"migrations_remaining":3,"llm_allowed":false,
                      "can_migrate":true,"migrations_held":2,"month":"2026-11","resets_at":"2026-12-01T00:00:00Z"}
            }
            """);
        own.Clock.Advance(TimeSpan.FromSeconds(89));
        (await account.QuotaAsync()).Held.ShouldBe(2);
        (await account.Key.GetAsync($"/quota/reservations/{id}"))["state"].GetString().ShouldBe("held");
        own.Clock.Advance(TimeSpan.FromSeconds(1));
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 0, Held: 0, Remaining: 5));
    }

    [Theory, OnEveryEngine]
    public async Task Repeated_extensions_set_the_end_anew_from_now_also_to_an_earlier_one(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var id = (await account.ReserveAsync(ttlSeconds: 3600)).Id();

        var first = await account.ExtendAsync(id, 90);
        var again = await account.ExtendAsync(id, 90);

        again.Text.ShouldBe(first.Text);
        again["expires_at"].GetDateTimeOffset().ShouldBe(own.Clock.GetUtcNow().AddSeconds(90));
    }

    [Theory, OnEveryEngine]
    public async Task No_extension_reaches_further_than_seven_days_from_the_grant(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var grantedAt = own.Clock.GetUtcNow();
        var id = (await account.ReserveAsync(ttlSeconds: 86_400)).Id();
        own.Clock.Jump(TimeSpan.FromSeconds(3600));

        (await account.ExtendAsync(id, 604_800))["expires_at"].GetDateTimeOffset().ShouldBe(grantedAt.AddDays(7));
        own.Clock.Jump(TimeSpan.FromDays(7) - TimeSpan.FromSeconds(3601));
        (await account.ExtendAsync(id, 60))["expires_at"].GetDateTimeOffset().ShouldBe(grantedAt.AddDays(7));
        own.Clock.Jump(TimeSpan.FromSeconds(1));
        (await account.ExtendAsync(id, 60)).ShouldBeProblem(409, "conflict");
    }

    [Theory, OnEveryEngine]
    public async Task What_has_ended_is_not_extended(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var (committed, released, expired) =
            ((await account.ReserveAsync()).Id(), (await account.ReserveAsync()).Id(), (await account.ReserveAsync(ttlSeconds: 60)).Id());
        await account.CommitAsync(committed);
        await account.ReleaseAsync(released);
        own.Clock.Advance(TimeSpan.FromSeconds(60));

        foreach (var (id, state) in ((Guid, string)[])[(committed, "committed"), (released, "released"), (expired, "expired")])
        {
            var refused = await account.ExtendAsync(id, 60);
            refused.ShouldBeProblem(409, "conflict");
            refused.Detail!.ShouldContain($"is {state}");
        }

        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 1, Held: 0, Remaining: 4));
    }

    [Theory, OnEveryEngine]
    public async Task An_extended_reservation_can_be_spent_committed_and_released(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var committed = (await account.ReserveAsync(2, ttlSeconds: 60)).Id();
        var released = (await account.ReserveAsync(ttlSeconds: 60)).Id();
        await account.SpendAsync(committed);
        (await account.ExtendAsync(committed, 600))["remaining"].GetInt32().ShouldBe(1);
        (await account.ExtendAsync(released, 600)).Status.ShouldBe(200);
        own.Clock.Advance(TimeSpan.FromSeconds(300));

        (await account.CommitAsync(committed)).Status.ShouldBe(200);
        (await account.ReleaseAsync(released)).Status.ShouldBe(200);

        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 2, Held: 0, Remaining: 3));
        (await own.Store.ReadNumberAsync("select count(*) from usage_events where late")).ShouldBe(0);
    }

    [Theory, OnEveryEngine]
    public async Task A_once_key_finds_a_reservation_that_was_extended_and_a_refusal_names_its_new_end(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var id = (await account.ReserveAsync(5, ttlSeconds: 60, onceKey: "build-1")).Id();
        await account.ExtendAsync(id, 600);
        own.Clock.Advance(TimeSpan.FromSeconds(120));

        (await account.ReserveAsync(5, onceKey: "build-1")).Id().ShouldBe(id);
        (await account.ReserveAsync())["held_until"].GetDateTimeOffset().ShouldBe(own.Clock.GetUtcNow().AddSeconds(480));
    }

    [Theory, OnEveryEngine]
    public async Task Only_its_own_account_extends_a_reservation_and_only_by_a_valid_time(StorageEngine engine)
    {
        var (account, other) = (await servers.SignUpAsync(engine), await servers.SignUpAsync(engine));
        var id = (await account.ReserveAsync()).Id();

        (await other.ExtendAsync(id, 60)).ShouldBeProblem(404, "not_found");
        (await account.ExtendAsync(Guid.CreateVersion7(), 60)).ShouldBeProblem(404, "not_found");
        foreach (var ttlSeconds in (int[])[0, -1, 604_801])
            (await account.ExtendAsync(id, ttlSeconds)).ShouldBlame("ttl_seconds");
        (await account.Key.SendAsync(HttpMethod.Patch, $"/quota/reservations/{id}", "{}")).ShouldBlame("ttl_seconds");
        (await account.ExtendAsync(id, 1)).Status.ShouldBe(200);
        (await account.ExtendAsync(id, 604_800)).Status.ShouldBe(200);
    }
}
