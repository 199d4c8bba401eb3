using PyResolve.Server.Quota;

namespace PyResolve.Server.Tests.Quota;

/// <summary>Before a hold is refused, what is due of the account goes back, however much it is; but no request waits for all of it.</summary>
public sealed class HoldBacklogTests(SharedServers servers)
{
    /// <summary>A free account's.</summary>
    private const int Limit = 5;

    [Theory, OnBothEngines]
    public async Task A_hold_finds_the_room_of_more_due_holds_than_one_transaction_settles(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await LetLapseAsync(own.Store, account, (2 * HoldTransaction.MostDue) + (HoldTransaction.MostDue / 2));

        var hold = await account.HoldAsync(quantity: Limit - 1);

        hold.Status.ShouldBe(201);
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 0, Held: Limit, Remaining: 0));
        (await own.Store.ReadNumberAsync($"select held from usage_monthly where user_id = '{account.UserId}'")).ShouldBe(Limit);
    }

    [Theory, OnBothEngines]
    public async Task A_hold_that_cannot_be_judged_yet_is_to_come_again_and_is_not_refused(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var (account, other) = (await own.SignUpAsync(), await own.SignUpAsync());
        await LetLapseAsync(own.Store, account, 9 * HoldTransaction.MostDue);

        var answers = await Task.WhenAll(account.HoldAsync(quantity: Limit - 1), other.HoldAsync());
        var again = await account.HoldAsync(quantity: Limit - 1);

        answers[0].Status.ShouldBe(503);
        answers[0].Code.ShouldBe("unavailable");
        answers[0].Headers.RetryAfter.ShouldNotBeNull().Delta.ShouldBe(TimeSpan.FromSeconds(1));
        answers[1].Status.ShouldBe(201);
        again.Status.ShouldBe(201);
    }

    [Theory, OnBothEngines]
    public async Task A_hold_that_fits_waits_for_one_transaction_of_what_is_due(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await own.Store.ExecuteSqlAsync("update profiles set plan = 'unlimited'");
        await LetLapseAsync(own.Store, account, 2 * HoldTransaction.MostDue);

        var hold = await account.HoldAsync();

        hold.Status.ShouldBe(201);
        (await own.Store.ReadNumberAsync("select count(*) from reservations where state = 'expired'")).ShouldBe(HoldTransaction.MostDue);
    }

    /// <summary>One hold of one unit, and so many more like it that are due. No sweeper looks before the clock moves.</summary>
    private static async Task LetLapseAsync(TestStore store, TestAccount account, int count)
    {
        (await account.HoldAsync()).Status.ShouldBe(201);
        var id = store.Engine == StorageEngine.Postgres
            ? "('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid"
            : "'00000000-0000-4000-8000-' || substr('000000000000' || n, -12)";
        await store.ExecuteSqlAsync(
            $"""
            insert into reservations (user_id, id, state, quantity, remaining, tier, month, created_at, expires_at, request_digest, plan, used_before, held_before)
            with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < {count})
            select user_id, {id}, state, quantity, remaining, tier, month, created_at, created_at, request_digest, plan, used_before, held_before
            from reservations, numbers
            where user_id = '{account.UserId}'
            """);
        await store.ExecuteSqlAsync($"update usage_monthly set held = held + {count} where user_id = '{account.UserId}'");
    }
}
