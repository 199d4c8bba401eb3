using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Storage;

/// <summary>In a rolling upgrade the first new server changes tables that the old ones are using.</summary>
public sealed class SchemaLockTests(SharedServers servers)
{
    /// <summary>Before credits.</summary>
    private const int Older = 24;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_change_of_the_schema_lets_a_transaction_that_uses_the_same_tables_end_first()
    {
        await using var store = await TestStore.CreateAsync(StorageEngine.Postgres, servers.Postgres);
        await using var database = new Database(new PostgresEngine(store.ConnectionString));
        var schema = new SchemaMigrator(database, TimeProvider.System, NullLogger<SchemaMigrator>.Instance);
        await schema.ApplyToEmptyAsync(Older, Cancellation);
        await using var connection = new NpgsqlConnection($"{store.ConnectionString};Pooling=false");
        await connection.OpenAsync(Cancellation);
        await using var transaction = await connection.BeginTransactionAsync(Cancellation);
        await ReadAsync("usage_monthly");

        var applied = schema.ApplyAsync(Cancellation);
        await Eventually.IsTrueAsync(
            async () => await store.ReadNumberAsync(
                "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'") > 0,
            cancellationToken: Cancellation);
        // Longer than PostgreSQL waits before it looks for a deadlock: from now on it would end this transaction.
        await Task.Delay(TimeSpan.FromSeconds(1.5), Cancellation);
        foreach (var table in new[] { "profiles", "usage_events", "reservations" })
            await ReadAsync(table);
        await transaction.CommitAsync(Cancellation);

        (await applied).Count.ShouldBe(schema.Version - Older);

        async Task ReadAsync(string table)
        {
            await using var command = new NpgsqlCommand($"select count(*) from {table}", connection, transaction);
            await command.ExecuteScalarAsync(Cancellation);
        }
    }
}
