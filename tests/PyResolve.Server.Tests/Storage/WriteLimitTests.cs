using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Storage;

/// <summary>A write ends a second after the time limit of a statement, which is one second here.</summary>
public sealed class WriteLimitTests(SharedServers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_write_of_several_statements_is_unavailable_after_its_limit_although_each_statement_is_short()
    {
        await using var database = await OpenAsync();

        var writing = database.WriteAsync(
            async session =>
            {
                for (var i = 0; i < 4; i++)
                    await session.ExecuteAsync($"select pg_sleep(0.8)", Cancellation);
            },
            Cancellation);

        await Should.ThrowAsync<StoreUnavailableException>(writing);
    }

    [Fact]
    public async Task Work_that_lifts_its_limits_has_its_time_anew_when_it_is_repeated()
    {
        await using var database = await OpenAsync();
        var attempts = 0;

        var result = await database.WriteAsync(
            async session =>
            {
                // As an upgrade, which asks before it knows that it will take long.
                await session.NumberAsync($"select 1::bigint", Cancellation);
                await session.LiftTimeLimitsAsync(Cancellation);
                if (++attempts > 1)
                    return attempts;
                await session.ExecuteAsync($"select pg_sleep(2.5)", Cancellation);
                await session.ExecuteScriptAsync(
                    "do $$ begin raise exception using errcode = 'serialization_failure'; end $$", Cancellation);
                return attempts;
            },
            Cancellation);

        result.ShouldBe(2);
    }

    private async Task<Database> OpenAsync()
    {
        var store = await TestStore.CreateAsync(StorageEngine.Postgres, servers.Postgres);
        var engine = new PostgresEngine($"{store.ConnectionString};Command Timeout=1");
        engine.CreateClock(TimeProvider.System);
        return new Database(engine);
    }
}
