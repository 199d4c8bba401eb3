using PyResolve.Server.Ledger;
using PyResolve.Server.Storage;
using PyResolve.Server.Tests.Billing;

namespace PyResolve.Server.Tests.Credits;

/// <summary>What was bought in another mode of Stripe pays for nothing.</summary>
public sealed class CreditOriginTests(SharedServers servers)
{
    [Theory, OnEveryEngine]
    public async Task Credits_count_in_the_mode_in_which_they_were_paid_and_those_of_live_mode_always(StorageEngine engine)
    {
        await using var shop = await BillingServer.StartAsync(engine, servers.Postgres, settings: CreditShop.Settings(limit: 0));
        var account = await shop.Own.SignUpAsync();
        await shop.Store.ExecuteSqlAsync("update profiles set plan = 'pro', plan_origin = null");
        await GiveAsync(NewCredits.Purchase, "test:cs_1", 10);
        await GiveAsync(NewCredits.Purchase, "local:cs_1", 20);
        await GiveAsync(NewCredits.Purchase, "live:cs_1", 3);
        await GiveAsync(NewCredits.Operator, "outage of Friday", 1);
        // More was drawn in the other mode than was bought there: that is not owed here.
        await GiveAsync(NewCredits.Purchase, "local:cs_2", 1);
        await shop.Store.ExecuteSqlAsync("update credit_grants set drawn = 6 where reference = 'local:cs_2'");

        (await CreditShop.ReadAsync(account)).Credits.ShouldBe(14);
        (await account.ReserveAsync(quantity: 15)).Status.ShouldBe(402);
        (await account.ReserveAsync(quantity: 14)).Status.ShouldBe(201);
        (await CreditShop.ReadAsync(account)).Credits.ShouldBe(0);
        (await shop.Store.ReadNumberAsync("select drawn from credit_grants where reference = 'local:cs_1'")).ShouldBe(0);

        Task GiveAsync(string source, string reference, int units) => shop.Service<Database>().WriteAsync(
            session => CreditGrants.AddAsync(
                session,
                new NewCredits(account.UserId, source, reference, units, ExpiresAt: null),
                shop.Clock.GetUtcNow(),
                CreditShop.Cancellation),
            CreditShop.Cancellation);
    }
}
