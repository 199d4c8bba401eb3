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
    public async Task They_are_stored_with_everything_before_them(StorageEngine engine)
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
    public async Task If_one_of_them_fails_nothing_is_stored(StorageEngine engine)
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
    public async Task An_exception_before_them_stores_nothing(StorageEngine engine)
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
    public async Task Nothing_can_follow_the_commit()
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
    public async Task A_grant_beyond_the_limit_of_its_month_is_rejected_by_the_store(StorageEngine engine)
    {
        var (database, account) = await StartAsync(engine);
        await database.ExecuteAsync(Move(account, "2000-01", held: 2), Cancellation);
        var months = new MonthChanges();
        months[account, "2000-01"].Grant(quantity: 2, limit: 3);

        await Should.ThrowAsync<System.Data.Common.DbException>(() => database.WriteAsync(
            session => session.EndAsync([.. MonthRows.Update(session, months)]), Cancellation));

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
