using PyResolve.Server.Ledger;
using PyResolve.Server.Quota;

namespace PyResolve.Server.Tests.Leases;

/// <summary>How leased units count before, at and after the end of their lease. The free plan has 5 migrations.</summary>
public sealed class SettlementTests(SharedServers servers)
{
    private static readonly TimeSpan Length = TimeSpan.FromHours(1);

    [Theory, OnEveryEngine]
    public async Task Taking_returning_and_taking_again_never_exceeds_the_quota(StorageEngine engine)
    {
        await using var own = await LeaseDriver.StartAsync(engine, servers);
        var account = await own.SignUpAsync();
        var first = (await account.LeaseAsync(quantity: 5)).Id();

        (await account.ReleaseAsync(first))["state"].GetString().ShouldBe("released");
        (await account.LeaseAsync()).Status.ShouldBe(402);
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 0, Held: 5, Remaining: 0));
        own.Clock.Advance(Length);

        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 0, Held: 0, Remaining: 5));
        (await account.LeaseAsync(quantity: 5)).Status.ShouldBe(201);
    }

    [Theory, OnEveryEngine]
    public async Task Unsettled_units_of_an_ended_lease_count_as_used_without_an_event(StorageEngine engine)
    {
        await using var own = await LeaseDriver.StartAsync(engine, servers);
        var account = await own.SignUpAsync();
        var id = (await account.LeaseAsync(quantity: 4)).Id();
        await account.SpendAsync(id);

        own.Clock.Advance(Length);

        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 4, Held: 0, Remaining: 1));
        (await account.ReserveAsync(quantity: 2)).Status.ShouldBe(402);
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 4, Held: 0, Remaining: 1));
        (await own.Store.ReadNumberAsync("select sum(quantity) from usage_events")).ShouldBe(1);
        (await own.Store.ReadNumberAsync("select migrations from usage_monthly")).ShouldBe(1);
    }

    [Theory, OnEveryEngine]
    public async Task Later_events_replace_the_lapsed_units_one_for_one(StorageEngine engine)
    {
        await using var own = await LeaseDriver.StartAsync(engine, servers);
        var account = await own.SignUpAsync();
        var id = (await account.LeaseAsync(quantity: 2)).Id();
        own.Clock.Advance(Length + TimeSpan.FromMinutes(1));

        await account.SpendAsync(id);
        (await account.QuotaAsync()).Used.ShouldBe(2);
        await account.SpendAsync(id);
        (await account.QuotaAsync()).Used.ShouldBe(2);
        (await account.Key.GetAsync($"/quota/reservations/{id}"))["state"].GetString().ShouldBe("committed");
        (await own.Store.ReadNumberAsync("select count(*) from usage_events where late")).ShouldBe(0);
        await account.SpendAsync(id);

        (await account.QuotaAsync()).Used.ShouldBe(3);
        (await own.Store.ReadNumberAsync("select count(*) from usage_events where late")).ShouldBe(1);
    }

    [Theory, OnEveryEngine]
    public async Task A_returned_lease_that_has_ended_is_refunded_except_for_what_was_used(StorageEngine engine)
    {
        await using var own = await LeaseDriver.StartAsync(engine, servers);
        var account = await own.SignUpAsync();
        var id = (await account.LeaseAsync(quantity: 5)).Id();
        own.Clock.Advance(Length + TimeSpan.FromMinutes(1));
        await account.SpendAsync(id);

        (await account.ReleaseAsync(id)).Status.ShouldBe(200);
        (await account.ReleaseAsync(id)).Status.ShouldBe(200);

        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 1, Held: 0, Remaining: 4));
    }

    [Theory, OnEveryEngine]
    public async Task An_ended_lease_that_is_committed_counts_what_was_done(StorageEngine engine)
    {
        await using var own = await LeaseDriver.StartAsync(engine, servers);
        var account = await own.SignUpAsync();
        var id = (await account.LeaseAsync(quantity: 5)).Id();
        own.Clock.Advance(Length + TimeSpan.FromMinutes(1));

        (await account.CommitAsync(id, new { quantity = 6 })).Status.ShouldBe(422);
        (await account.CommitAsync(id, new { quantity = 2 })).Status.ShouldBe(200);

        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 2, Held: 0, Remaining: 3));
        (await own.Store.ReadNumberAsync("select count(*) from usage_events where late")).ShouldBe(0);
    }

    [Theory, OnEveryEngine]
    public async Task After_35_days_nothing_is_refunded_and_reports_change_no_total(StorageEngine engine)
    {
        await using var own = await LeaseDriver.StartAsync(engine, servers, startAt: "2026-10-01T00:00:00Z");
        var early = await own.SignUpAsync();
        var id = (await early.LeaseAsync(quantity: 3)).Id();
        // Another instance with a later clock, because advancing this one so far would fire every timer in between.
        await using var later = await TestServer.StartAsync(
            own.Store, clock: new TestClock(own.Clock.GetUtcNow() + Length + StoredReservation.SettlementWindow + TimeSpan.FromSeconds(1)));
        var account = early.On(later.Http);

        var refused = await account.ReleaseAsync(id);
        (await account.CommitAsync(id, new { quantity = 2 })).Status.ShouldBe(200);

        (refused.Status, refused.Code).ShouldBe((409, "conflict"));
        refused.Detail!.ShouldContain("could be given back until 2026-11-05T01:00:00Z");
        (await own.Store.ReadNumberAsync("select migrations + lapsed from usage_monthly where month = '2026-10'")).ShouldBe(3);
        (await own.Store.ReadNumberAsync("select migrations from usage_monthly where month = '2026-10'")).ShouldBe(2);
    }

    [Theory, OnEveryEngine]
    public async Task The_rest_of_a_committed_lease_stays_held_until_it_ends(StorageEngine engine)
    {
        await using var own = await LeaseDriver.StartAsync(engine, servers);
        var account = await own.SignUpAsync();
        var id = (await account.LeaseAsync(quantity: 5)).Id();

        var committed = await account.CommitAsync(id, new { quantity = 2 });
        (committed["state"].GetString(), committed["remaining"].GetInt32()).ShouldBe(("committed", 0));
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 2, Held: 3, Remaining: 0));
        (await account.ReleaseAsync(id)).Status.ShouldBe(409);
        (await account.CommitAsync(id))["usage_event_id"].GetGuid().ShouldBe(committed["usage_event_id"].GetGuid());
        own.Clock.Advance(Length);

        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 2, Held: 0, Remaining: 3));
    }

    [Theory, OnEveryEngine]
    public async Task Work_under_a_returned_lease_takes_its_held_units(StorageEngine engine)
    {
        await using var own = await LeaseDriver.StartAsync(engine, servers);
        var account = await own.SignUpAsync();
        var id = (await account.LeaseAsync(quantity: 2)).Id();
        await account.ReleaseAsync(id);

        await account.SpendAsync(id);

        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 1, Held: 1, Remaining: 3));
        own.Clock.Advance(Length);
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 1, Held: 0, Remaining: 4));
        (await own.Store.ReadNumberAsync("select count(*) from usage_events where late")).ShouldBe(0);
    }

    [Theory, OnEveryEngine]
    public async Task A_lease_counts_in_the_month_in_which_it_was_given(StorageEngine engine)
    {
        await using var own = await LeaseDriver.StartAsync(engine, servers, startAt: "2026-11-30T23:30:00Z");
        var account = await own.SignUpAsync();
        var id = (await account.LeaseAsync(quantity: 5)).Id();

        own.Clock.Advance(Length);
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 0, Held: 0, Remaining: 5));
        await account.SpendAsync(id);

        (await own.Store.ReadNumberAsync("select migrations from usage_monthly where month = '2026-11'")).ShouldBe(1);
        (await own.Store.ReadNumberAsync("select lapsed from usage_monthly where month = '2026-11'")).ShouldBe(4);
    }
}
