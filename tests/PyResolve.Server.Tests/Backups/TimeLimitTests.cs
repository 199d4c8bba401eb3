using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Backups;

/// <summary>A limit of the database on each statement, such as Supabase gives every role, ends no command that takes minutes.</summary>
public sealed class TimeLimitTests(SharedServers servers)
{
    /// <summary>The next one makes tables.</summary>
    private const int Older = 26;

    private static readonly TimeSpan LongerThanTheLimit = TimeSpan.FromSeconds(2.5);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Backup_reads_a_table_for_longer_than_a_statement_may_take()
    {
        using var folder = new BackupFolder();
        await using var store = await TestStore.CreateAsync(StorageEngine.Postgres, servers.Postgres);
        await ApplyAsync(store, int.MaxValue);
        await LimitAsync(store);

        var backup = await HoldAsync(
            store, "lock table usage_events in access exclusive mode", () => BackupFolder.RunAsync(store, "backup", folder.File));

        backup.ExitCode.ShouldBe(0, backup.Error);
    }

    [Fact]
    public async Task Restore_waits_and_writes_for_longer_than_a_statement_may_take()
    {
        using var folder = new BackupFolder();
        await using var from = await TestStore.CreateAsync(StorageEngine.Postgres, servers.Postgres);
        await using var into = await TestStore.CreateAsync(StorageEngine.Postgres, servers.Postgres);
        await ApplyAsync(from, int.MaxValue);
        await ApplyAsync(into, int.MaxValue);
        (await BackupFolder.RunAsync(from, "backup", folder.File)).OrThrow("backup");
        await LimitAsync(into);

        var restored = await HoldAsync(
            into, "lock table profiles in row exclusive mode", () => BackupFolder.RunAsync(into, "restore", folder.File));

        restored.ExitCode.ShouldBe(0, restored.Error);
    }

    [Fact]
    public async Task An_upgrade_of_the_schema_takes_longer_than_a_statement_may()
    {
        await using var store = await TestStore.CreateAsync(StorageEngine.Postgres, servers.Postgres);
        var newest = await ApplyAsync(store, Older);
        await store.ExecuteSqlAsync(
            $"""
            create function take_long() returns event_trigger language plpgsql as
            'begin perform pg_sleep({LongerThanTheLimit.TotalSeconds}); end';
            create event trigger slow on ddl_command_start when tag in ('CREATE TABLE') execute function take_long()
            """);
        await LimitAsync(store);

        var upgraded = await BackupFolder.RunAsync(store, "migrate-schema");

        upgraded.ExitCode.ShouldBe(0, upgraded.Error);
        (await store.ReadNumberAsync("select max(version) from schema_versions")).ShouldBe(newest);
    }

    private static async Task<int> ApplyAsync(TestStore store, int version)
    {
        await using var database = new Database(new PostgresEngine(store.ConnectionString));
        var schema = new SchemaMigrator(database, TimeProvider.System, NullLogger<SchemaMigrator>.Instance);
        await schema.ApplyToEmptyAsync(Math.Min(version, schema.Version), Cancellation);
        return schema.Version;
    }

    private static Task<int> LimitAsync(TestStore store) => store.ExecuteSqlAsync(
        $"alter database \"{new NpgsqlConnectionStringBuilder(store.ConnectionString).Database}\" set statement_timeout = '1s'");

    /// <summary>Keeps a lock that the command waits for.</summary>
    private static async Task<CommandResult> HoldAsync(TestStore store, string sql, Func<Task<CommandResult>> run)
    {
        await using var connection = new NpgsqlConnection($"{store.ConnectionString};Pooling=false");
        await connection.OpenAsync(Cancellation);
        await using var transaction = await connection.BeginTransactionAsync(Cancellation);
        await using var command = new NpgsqlCommand(sql, connection, transaction);
        await command.ExecuteNonQueryAsync(Cancellation);
        var running = run();
        await Eventually.IsTrueAsync(
            async () => running.IsCompleted || await store.ReadNumberAsync(
                "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'") > 0,
            cancellationToken: Cancellation);
        await Task.Delay(LongerThanTheLimit, Cancellation);
        await transaction.RollbackAsync(Cancellation);
        return await running;
    }
}
