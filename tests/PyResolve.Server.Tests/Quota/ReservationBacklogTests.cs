using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Quota;

namespace PyResolve.Server.Tests.Quota;

/// <summary>Due reservations are settled before a request is refused, however many; but no request waits for all of them.</summary>
public sealed class ReservationBacklogTests(SharedServers servers)
{
    /// <summary>Of the free plan.</summary>
    private const int Limit = 5;

    [Theory, OnEveryEngine]
    public async Task A_reservation_uses_the_units_of_more_due_reservations_than_one_transaction_settles(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await LetLapseAsync(own.Store, account, (2 * ReservationTransaction.MaxDue) + (ReservationTransaction.MaxDue / 2));

        var reservation = await account.ReserveAsync(quantity: Limit - 1);

        reservation.Status.ShouldBe(201);
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 0, Held: Limit, Remaining: 0));
        (await own.Store.ReadNumberAsync($"select held from usage_monthly where user_id = '{account.UserId}'")).ShouldBe(Limit);
    }

    [Theory, OnEveryEngine]
    public async Task A_reservation_that_cannot_be_decided_yet_is_answered_503_not_402(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await LetLapseAsync(own.Store, account, 9 * ReservationTransaction.MaxDue);

        var first = await account.ReserveAsync(quantity: Limit - 1);
        var again = await account.ReserveAsync(quantity: Limit - 1);

        first.Status.ShouldBe(503);
        first.Code.ShouldBe("unavailable");
        first.Detail.ShouldNotBeNull().ShouldContain("still being given back");
        first.Headers.RetryAfter.ShouldNotBeNull().Delta.ShouldBe(TimeSpan.FromSeconds(1));
        again.Status.ShouldBe(201);
    }

    [Theory, OnEveryEngine]
    public async Task Other_accounts_are_decided_while_one_accounts_due_reservations_are_settled(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var (account, other, unlimited) = (await own.SignUpAsync(), await own.SignUpAsync(), await own.SignUpAsync());
        await own.Store.ExecuteSqlAsync($"update profiles set plan = 'unlimited' where id = '{unlimited.UserId}'");
        await LetLapseAsync(own.Store, account, 7 * ReservationTransaction.MaxDue);
        await LetLapseAsync(own.Store, unlimited, 7 * ReservationTransaction.MaxDue);
        await LetLapseAsync(own.Store, other, Limit - 1);

        var decided = new ConcurrentQueue<Guid>();
        // Not through HTTP, so that all three are queued before the first group ends.
        ReservationOutcome[] outcomes = await Task.WhenAll(
            DecideAsync(account, Limit - 1), DecideAsync(other, Limit - 1), DecideAsync(unlimited, 1));

        outcomes.ShouldAllBe(outcome => outcome is ReservationOutcome.Granted);
        decided.Last().ShouldBe(account.UserId);

        async Task<ReservationOutcome> DecideAsync(TestAccount owner, int quantity)
        {
            var pending = new PendingReservation(owner.UserId, quantity, "tier1", TimeSpan.FromMinutes(15));
            var outcome = await own.Server.Services.GetRequiredService<ReservationGrants>()
                .DecideAsync(pending, TestContext.Current.CancellationToken)
                .ConfigureAwait(false);
            decided.Enqueue(owner.UserId);
            return outcome;
        }
    }

    [Theory, OnEveryEngine]
    public async Task Due_reservations_that_return_too_little_do_not_delay_a_refusal(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var (tooLarge, ofAnotherMonth) = (await own.SignUpAsync(), await own.SignUpAsync());
        // More than a request can wait for: if it waited, the answer would be 503.
        await LetLapseAsync(own.Store, tooLarge, 9 * ReservationTransaction.MaxDue);
        await LetLapseAsync(own.Store, ofAnotherMonth, 9 * ReservationTransaction.MaxDue, month: "2000-01");

        var refused = await Task.WhenAll(tooLarge.ReserveAsync(quantity: Limit + 1), ofAnotherMonth.ReserveAsync(quantity: Limit));

        refused.ShouldAllBe(reservation => reservation.Status == 402);
    }

    [Theory, OnEveryEngine]
    public async Task A_reservation_that_fits_waits_for_one_transaction_only(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await own.Store.ExecuteSqlAsync("update profiles set plan = 'unlimited'");
        await LetLapseAsync(own.Store, account, 2 * ReservationTransaction.MaxDue);

        var reservation = await account.ReserveAsync();

        reservation.Status.ShouldBe(201);
        (await own.Store.ReadNumberAsync("select count(*) from reservations where state = 'expired'"))
            .ShouldBe(ReservationTransaction.MaxDue);
    }

    /// <summary>Creates one reservation of one unit, and <paramref name="count"/> due ones. The sweeper waits for the clock.</summary>
    private static async Task LetLapseAsync(TestStore store, TestAccount account, int count, string? month = null)
    {
        (await account.ReserveAsync()).Status.ShouldBe(201);
        var id = store.Engine is not StorageEngine.Sqlite
            ? "('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid"
            : "'00000000-0000-4000-8000-' || substr('000000000000' || n, -12)";
        var monthOfAll = month is null ? "month" : $"'{month}'";
        await store.ExecuteSqlAsync(
            $"""
            insert into reservations (user_id, id, state, quantity, remaining, tier, month, created_at, expires_at, request_digest,
                                      plan, used_before, held_before)
            with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < {count})
            select user_id, {id}, state, quantity, remaining, tier, {monthOfAll}, created_at, created_at, request_digest,
                   plan, used_before, held_before
            from reservations, numbers
            where user_id = '{account.UserId}'
            """);
        await store.ExecuteSqlAsync(
            $"""
            insert into usage_monthly (user_id, month, held)
            select user_id, month, count(*) from reservations where user_id = '{account.UserId}' group by user_id, month
            on conflict (user_id, month) do update set held = excluded.held
            """);
    }
}
