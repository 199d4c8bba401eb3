using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Storage;

/// <summary>What works in the background looks again after each write that may have left work.</summary>
public sealed class WriteCountTests(SharedServers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, OnBothEngines]
    public async Task A_write_is_counted_also_one_about_an_account(StorageEngine engine)
    {
        await using var store = await TestStore.CreateReadyAsync(engine, servers.Postgres);
        await using var database = Open(store);

        await database.ExecuteAsync(AddLetter(), Cancellation);
        await database.OfAccount(NewId()).WriteAsync(session => session.EndAsync([AddLetter()]), Cancellation);

        database.Writes.ShouldBe(2);
    }

    /// <summary>The answer to its commit may be what failed.</summary>
    [Theory, OnBothEngines]
    public async Task A_write_that_fails_is_counted(StorageEngine engine)
    {
        await using var store = await TestStore.CreateReadyAsync(engine, servers.Postgres);
        await using var database = Open(store);

        await Should.ThrowAsync<TimeoutException>(() => database.WriteAsync<int>(
            static _ => throw new TimeoutException(), Cancellation));

        database.Writes.ShouldBe(1);
    }

    /// <summary>Load balancers ask for it all the time.</summary>
    [Theory, OnBothEngines]
    public async Task What_proves_that_the_store_is_ready_is_not_counted(StorageEngine engine)
    {
        await using var store = await TestStore.CreateReadyAsync(engine, servers.Postgres);
        await using var database = Open(store);
        var schema = new SchemaMigrator(database, TimeProvider.System, NullLogger<SchemaMigrator>.Instance);
        var readiness = new StoreReadiness(database, schema, TimeProvider.System, NullLogger<StoreReadiness>.Instance);

        (await readiness.FindProblemAsync(Cancellation)).ShouldBeNull();

        database.Writes.ShouldBe(0);
    }

    private static Database Open(TestStore store) => new(store.Engine is StorageEngine.Sqlite
        ? new SqliteEngine(new SqliteConnectionStringBuilder(store.ConnectionString).DataSource)
        : new PostgresEngine(store.ConnectionString));

    private static Guid NewId() => Guid.CreateVersion7(TimeProvider.System.GetUtcNow());

    private static Sql AddLetter()
    {
        var now = TimeProvider.System.GetUtcNow();
        return $"insert into letters (id, kind, created_at, due_at) values ({NewId()}, 'test', {now}, {now})";
    }
}
