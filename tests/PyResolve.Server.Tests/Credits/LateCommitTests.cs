using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Credits;

/// <summary>Work that is reported after its reservation ended is charged to what the reservation drew: it is not free.</summary>
public sealed class LateCommitTests(SharedServers servers)
{
    [Theory, OnEveryEngine]
    public async Task A_commit_after_expiry_is_charged_to_plan_credits_and_overage(StorageEngine engine)
    {
        await using var shop = await CreditShop.OpenAsync(engine, servers, limit: 2);
        var account = await shop.SignUpAsync(credits: 3, overage: 4);
        var held = await account.ReserveAsync(quantity: 7, ttlSeconds: 60);
        shop.Own.Clock.Jump(TimeSpan.FromSeconds(61));

        (await account.CommitAsync(held.Id(), new { quantity = 6 })).Status.ShouldBe(200);

        (await CreditShop.ReadAsync(account)).ShouldBe(new BeyondView(Used: 6, Held: 0, Remaining: 0, Credits: 0, Overage: 1));
        (await shop.Own.Store.ReadNumberAsync("select sum(units) from meter_events")).ShouldBe(1);
        await shop.AddUpAsync();
    }

    [Theory, OnEveryEngine]
    public async Task A_commit_after_a_release_is_charged_and_a_repetition_is_not(StorageEngine engine)
    {
        await using var shop = await CreditShop.OpenAsync(engine, servers, limit: 0);
        var account = await shop.SignUpAsync(credits: 1, overage: 1);
        var held = await account.ReserveAsync(quantity: 2);
        await account.ReleaseAsync(held.Id());

        for (var repetition = 0; repetition < 3; repetition++)
            (await account.CommitAsync(held.Id())).Status.ShouldBe(200);

        (await CreditShop.ReadAsync(account)).ShouldBe(new BeyondView(Used: 2, Held: 0, Remaining: 0, Credits: 0, Overage: 1));
        (await shop.Own.Store.ReadNumberAsync("select sum(units) from meter_events")).ShouldBe(1);
        await shop.AddUpAsync();
    }

    [Theory, OnEveryEngine]
    public async Task Events_after_expiry_are_charged_one_by_one_and_no_more_than_was_reserved(StorageEngine engine)
    {
        await using var shop = await CreditShop.OpenAsync(engine, servers, limit: 1);
        var account = await shop.SignUpAsync(credits: 1, overage: 1);
        var held = await account.ReserveAsync(quantity: 3, ttlSeconds: 60);
        await account.SpendAsync(held.Id());
        shop.Own.Clock.Jump(TimeSpan.FromSeconds(61));

        for (var unit = 0; unit < 3; unit++)
            (await account.SpendAsync(held.Id())).Status.ShouldBe(200);

        (await CreditShop.ReadAsync(account)).ShouldBe(new BeyondView(Used: 4, Held: 0, Remaining: 0, Credits: 0, Overage: 1));
        (await shop.Own.Store.ReadNumberAsync("select sum(units) from meter_events")).ShouldBe(1);
        await shop.AddUpAsync();
    }

    [Theory, OnEveryEngine]
    public async Task Reservations_that_expire_one_after_another_do_not_use_one_credit_twice(StorageEngine engine)
    {
        await using var shop = await CreditShop.OpenAsync(engine, servers, limit: 0);
        var account = await shop.SignUpAsync(credits: 1);
        var ended = new List<Guid>();
        for (var number = 0; number < 3; number++)
        {
            ended.Add((await account.ReserveAsync(ttlSeconds: 60)).Id());
            shop.Own.Clock.Jump(TimeSpan.FromSeconds(61));
        }

        foreach (var id in ended)
            (await account.CommitAsync(id)).Status.ShouldBe(200);

        (await account.ReserveAsync()).ShouldBeProblem(402, "quota_exceeded");
        await shop.GiveAsync(account, 3);
        (await CreditShop.ReadAsync(account)).Credits.ShouldBe(1, "two are owed");
        (await account.ReserveAsync(quantity: 2)).ShouldBeProblem(402, "quota_exceeded");
        (await account.ReserveAsync(quantity: 1)).Status.ShouldBe(201);
        await shop.AddUpAsync();
    }
}
