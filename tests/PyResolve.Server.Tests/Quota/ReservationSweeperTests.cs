using PyResolve.Server.Quota;

namespace PyResolve.Server.Tests.Quota;

/// <summary>Expired reservations are settled without a request.</summary>
public sealed class ReservationSweeperTests(SharedServers servers)
{
    [Theory, OnEveryEngine]
    public async Task Due_reservations_return_their_units_within_two_sweeps(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await account.ReserveAsync(quantity: 2, ttlSeconds: 60);
        await account.ReserveAsync(quantity: 2, ttlSeconds: 3600);

        own.Clock.Advance(TimeSpan.FromSeconds(60));

        await SweptAsync(own.Clock, own.Store, held: 2);
        (await own.Store.ReadNumberAsync("select count(*) from reservations where state = 'expired' and remaining = 0")).ShouldBe(1);
    }

    [Fact]
    public async Task Concurrent_sweeps_return_every_unit_once()
    {
        await using var store = await TestStore.CreateAsync(StorageEngine.Postgres, servers.Postgres);
        await using var first = await TestServer.StartAsync(store);
        await using var second = await TestServer.StartAsync(store, clock: first.Clock);
        TestAccount[] accounts = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => TestAccount.SignUpAsync(first.Http)));
        await store.ExecuteSqlAsync("update profiles set plan = 'unlimited'");
        var reservations = await Task.WhenAll(
            Enumerable.Range(0, 1_000).Select(i => accounts[i % 20].ReserveAsync(quantity: 1 + (i % 3), ttlSeconds: 60)));

        first.Clock.Advance(TimeSpan.FromSeconds(60));

        await SweptAsync(first.Clock, store, held: 0);
        reservations.ShouldAllBe(reservation => reservation.Status == 201);
        (await store.ReadNumberAsync("select count(*) from reservations where state = 'expired'")).ShouldBe(1_000);
        (await store.ReadNumberAsync("select count(*) from usage_monthly where held <> 0 or lapsed <> 0")).ShouldBe(0);
    }

    [Theory, OnEveryEngine]
    public async Task A_damaged_rollup_does_not_stop_the_sweep_of_other_accounts(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var damaged = await own.SignUpAsync();
        TestAccount[] others = [await own.SignUpAsync(), await own.SignUpAsync()];
        await own.Store.ExecuteSqlAsync("update profiles set plan = 'unlimited'");
        // More than a batch, and the oldest: unless they are skipped, every sweep reads only these.
        await Task.WhenAll(Enumerable.Range(0, 250).Select(_ => damaged.ReserveAsync(ttlSeconds: 60)));
        foreach (var other in others)
            await other.ReserveAsync(quantity: 2, ttlSeconds: 61);
        await own.Store.ExecuteSqlAsync($"update usage_monthly set held = 1 where user_id = '{damaged.UserId}'");

        own.Clock.Advance(TimeSpan.FromSeconds(61));

        await SweptAsync(own.Clock, own.Store, held: 1);
        (await own.Store.ReadNumberAsync("select count(*) from reservations where state = 'held'")).ShouldBe(250);
        await own.Store.ExecuteSqlAsync($"update usage_monthly set held = 250 where user_id = '{damaged.UserId}'");
        own.Clock.Advance(ReservationSweeper.Grace);
        await SweptAsync(own.Clock, own.Store, held: 0);
    }

    private static Task<TimeSpan> SweptAsync(TestClock clock, TestStore store, long held) => Eventually.HoldsAsync(async () =>
    {
        // If a sweep began before the clock moved, the next comes after another interval.
        clock.Advance(ReservationSweeper.Interval);
        (await store.ReadNumberAsync("select sum(held) from usage_monthly")).ShouldBe(held);
    });
}
