using Npgsql;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Storage;

/// <summary>The server's clock is that of the database which it uses, and not that of one which it refuses.</summary>
public sealed class RefusedDatabaseTests(SharedServers servers)
{
    private const string StandbySays = "The database is read-only";
    private const string FormerPrimarySays = "A former primary of the database answers";

    private static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(20);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("on", "00000002", StandbySays)]
    [InlineData("off", "00000001", FormerPrimarySays)]
    public async Task A_standby_or_a_former_primary_does_not_set_the_clock_when_it_is_asked(string readOnly, string timeline, string says)
    {
        await using var store = await CreateAsync();
        await using var engine = EngineOn(store);
        var clock = engine.CreateClock(TimeProvider.System);
        var database = new Database(engine);
        await ReadAsync(database);

        await BecomeAsync(store, readOnly, timeline);
        // As where its connections lead to a primary that was demoted.
        engine.AfterFailure(new PostgresException("read-only", "ERROR", "ERROR", PostgresErrorCodes.ReadOnlySqlTransaction));

        (await Should.ThrowAsync<StoreUnavailableException>(() => ReadAsync(database))).Reason.ShouldContain(says);
        clock.GetUtcNow().ShouldBe(TimeProvider.System.GetUtcNow(), Tolerance);
    }

    [Fact]
    public async Task A_database_that_turned_read_only_does_not_set_the_clock_on_an_open_connection()
    {
        await using var store = await CreateAsync();
        await using var engine = EngineOn(store);
        var clock = engine.CreateClock(TimeProvider.System);
        var database = new Database(engine);
        await ReadAsync(database);

        await BecomeAsync(store, readOnly: "on", timeline: "00000002");

        var (columns, read) = engine.Identify();
        await Should.ThrowAsync<StoreUnavailableException>(
            () => database.FirstAsync($"select {columns}", row => read(row, 0), Cancellation));
        clock.GetUtcNow().ShouldBe(TimeProvider.System.GetUtcNow(), Tolerance);
    }

    /// <summary>What it says of itself is in a table.</summary>
    private async Task<TestStore> CreateAsync()
    {
        var store = await TestStore.CreateAsync(StorageEngine.Postgres, servers.Postgres);
        await store.ExecuteSqlAsync(
            """
            create table pretended as select interval '0' as ahead, 'off' as read_only, '00000002' as timeline;
            create function public.clock_timestamp() returns timestamptz language sql
                as 'select pg_catalog.clock_timestamp() + ahead from public.pretended';
            create function public.current_setting(text) returns text language sql as
                'select case $1 when ''transaction_read_only'' then read_only else pg_catalog.current_setting($1) end
                 from public.pretended';
            create function public.pg_walfile_name(pg_lsn) returns text language sql as 'select timeline from public.pretended';
            """);
        return store;
    }

    private static PostgresEngine EngineOn(TestStore store) => new($"{store.ConnectionString};Search Path=\"public,pg_catalog\"");

    private static Task<int> BecomeAsync(TestStore store, string readOnly, string timeline) => store.ExecuteSqlAsync(
        $"update pretended set ahead = '1 minute', read_only = '{readOnly}', timeline = '{timeline}'");

    private static Task<long?> ReadAsync(Database database) =>
        database.ReadAsync(session => session.NumberAsync($"select 1::bigint", Cancellation), Cancellation);
}
