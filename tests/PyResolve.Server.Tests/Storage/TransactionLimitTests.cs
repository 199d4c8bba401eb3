using Npgsql;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Storage;

/// <summary>PostgreSQL has time limits of its own, which an operator may set in DATABASE_URL or for the role.</summary>
public sealed class TransactionLimitTests(SharedServers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_transaction_that_pauses_for_longer_than_its_limit_is_an_outage()
    {
        await using var store = await TestStore.CreateAsync(StorageEngine.Postgres, servers.Postgres);
        await using var engine = new PostgresEngine(
            $"{store.ConnectionString};Options=-c idle_in_transaction_session_timeout=200");
        engine.CreateClock(TimeProvider.System);
        var database = new Database(engine);

        await Should.ThrowAsync<StoreUnavailableException>(() => database.WriteAsync(
            async session =>
            {
                await session.ExecuteAsync($"select 1", Cancellation);
                // As where a machine stops for a moment.
                await Task.Delay(TimeSpan.FromSeconds(2), Cancellation);
                await session.ExecuteAsync($"select 2", Cancellation);
            },
            Cancellation));

        (await database.ReadAsync(session => session.NumberAsync($"select 3::bigint", Cancellation), Cancellation)).ShouldBe(3);
    }

    /// <summary>PostgreSQL 17 has the second one.</summary>
    [Theory]
    [InlineData("25P03")]
    [InlineData("25P04")]
    public void A_limit_of_a_transaction_is_an_outage_and_no_bug(string code) =>
        PostgresErrors.Classify(new PostgresException("terminating connection", "FATAL", "FATAL", code)).ShouldBe(FailureKind.Unavailable);
}
