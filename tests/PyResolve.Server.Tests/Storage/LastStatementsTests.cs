using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Ledger;
using PyResolve.Server.Quota;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Storage;

/// <summary>The last statements of a transaction carry its commit: all of it is stored, or nothing.</summary>
public sealed class LastStatementsTests(SharedServers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, OnBothEngines]
    public async Task They_are_stored_with_all_that_went_before(StorageEngine engine)
    {
        var (database, account) = await StartAsync(engine);

        await database.WriteAsync(
            async session =>
            {
                await session.ExecuteAsync(Move(account, "2000-01", held: 1), Cancellation);
                await session.EndAsync([Move(account, "2000-02", held: 2), Move(account, "2000-03", held: 3)]);
            },
            Cancellation);

        (await HeldAsync(database, account)).ShouldBe([1, 2, 3]);
    }

    [Theory, OnBothEngines]
    public async Task One_that_fails_takes_all_that_went_before_with_it(StorageEngine engine)
    {
        var (database, account) = await StartAsync(engine);

        await Should.ThrowAsync<System.Data.Common.DbException>(() => database.WriteAsync(
            async session =>
            {
                await session.ExecuteAsync(Move(account, "2000-01", held: 1), Cancellation);
                await session.EndAsync([Move(account, "2000-02", held: 2), Move(account, "2000-03", held: -1)]);
            },
            Cancellation));

        (await HeldAsync(database, account)).ShouldBeEmpty();
    }

    [Theory, OnBothEngines]
    public async Task What_throws_before_them_stores_nothing(StorageEngine engine)
    {
        var (database, account) = await StartAsync(engine);

        await Should.ThrowAsync<TimeoutException>(() => database.WriteAsync(
            async session =>
            {
                await session.ExecuteAsync(Move(account, "2000-01", held: 1), Cancellation);
                throw new TimeoutException();
            },
            Cancellation));

        (await HeldAsync(database, account)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Nothing_can_follow_what_was_committed()
    {
        var (database, account) = await StartAsync(StorageEngine.Postgres);

        await Should.ThrowAsync<InvalidOperationException>(() => database.WriteAsync(
            async session =>
            {
                await session.EndAsync([Move(account, "2000-01", held: 1)]);
                await session.ExecuteAsync(Move(account, "2000-02", held: 1), Cancellation);
            },
            Cancellation));

        (await HeldAsync(database, account)).ShouldBe([1]);
    }

    [Theory, OnBothEngines]
    public async Task A_month_is_not_moved_past_its_limit_whoever_decided_so(StorageEngine engine)
    {
        var (database, account) = await StartAsync(engine);
        await database.ExecuteAsync(Move(account, "2000-01", held: 2), Cancellation);
        var months = new MonthChanges();
        months[account, "2000-01"].Grant(quantity: 2, limit: 3);

        await Should.ThrowAsync<System.Data.Common.DbException>(() => database.WriteAsync(
            session => session.EndAsync([ReservationRows.UpdateMonths(session, months)!]), Cancellation));

        (await HeldAsync(database, account)).ShouldBe([2]);
    }

    private async Task<(Database Database, Guid Account)> StartAsync(StorageEngine engine) =>
        ((await servers.OnAsync(engine)).Services.GetRequiredService<Database>(), Guid.CreateVersion7(TimeProvider.System.GetUtcNow()));

    private static Sql Move(Guid account, string month, int held) =>
        $"insert into usage_monthly (user_id, month, held) values ({account}, {month}, {held})";

    private static Task<List<long>> HeldAsync(Database database, Guid account) =>
        database.ListAsync(
            $"select held from usage_monthly where user_id = {account} order by month", static row => row.Int64(0), Cancellation);
}
