using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Backups;

/// <summary>Stores of any schema version and size, made by hand.</summary>
internal static class BackupStores
{
    private const string Account = "00000000-0000-0000-0000-0000000000aa";

    /// <summary>The services of a server that does not run.</summary>
    public static WebApplication BuildServer(this TestStore store)
    {
        var builder = ServerApp.CreateBuilder(["--environment", "Production", "--Logging:LogLevel:Default=None"]);
        builder.Configuration.AddInMemoryCollection(store.Settings);
        return ServerApp.Build(builder);
    }

    /// <returns>The version of this program.</returns>
    public static async Task<int> ApplySchemaAsync(this TestStore store, int version = int.MaxValue)
    {
        await using var app = store.BuildServer();
        var schema = app.Services.GetRequiredService<SchemaMigrator>();
        await schema.ApplyToEmptyAsync(Math.Min(version, schema.Version), TestContext.Current.CancellationToken);
        return schema.Version;
    }

    public static Task<int> MarkSchemaAsync(this TestStore store, int version, int compatibleFrom) => store.ExecuteSqlAsync(
        $"""
        insert into schema_versions (version, name, compatible_from, applied_at)
        select {version}, 'marked', {compatibleFrom}, max(applied_at) from schema_versions
        """);

    public static Task<int> InsertAccountAsync(this TestStore store) => store.ExecuteSqlAsync(
        $"""
        insert into profiles (id, email, name, plan, created_at, updated_at)
        select '{Account}', 'ada@example.com', 'Ada', 'free', max(applied_at), max(applied_at)
        from schema_versions
        """);

    /// <summary>With texts that cannot be compressed much.</summary>
    public static Task<int> InsertEventsAsync(this TestStore store, int count)
    {
        var (account, id, metadata, at) = store.Engine is StorageEngine.Sqlite
            ? ($"'{Account}'", "'00000000-0000-0000-0000-' || printf('%012d', n)", """'{"noise":"' || hex(randomblob(40)) || '"}'""", "0")
            : ($"'{Account}'::uuid", "('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid",
                """json_build_object('noise', md5(random()::text) || md5(random()::text))""", "now()");
        return store.ExecuteSqlAsync(
            $"""
            with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < {count})
            insert into usage_events (user_id, id, event_type, metadata, month, occurred_at, created_at)
            select {account}, {id}, 'analysis', {metadata}, '2026-11', {at}, {at} from numbers
            """);
    }

    /// <summary>
    /// As the server of an older schema version would back up its store: <see cref="BackupFolder.Other"/>. The store has no schema yet.
    /// </summary>
    /// <returns>The version of this program.</returns>
    public static async Task<int> BackUpOlderAsync(this TestStore store, BackupFolder folder, int version, int events = 0)
    {
        var newest = await store.ApplySchemaAsync(version);
        await store.InsertAccountAsync();
        if (events > 0)
            await store.InsertEventsAsync(events);
        await store.MarkSchemaAsync(newest, compatibleFrom: 1);
        (await BackupFolder.RunAsync(store, "backup", folder.File)).OrThrow("backup");
        await folder.WriteDamagedAsync(
            lines => lines[0] = lines[0].Replace($"\"schema\":{newest},", $"\"schema\":{version},", StringComparison.Ordinal),
            TestContext.Current.CancellationToken);
        return newest;
    }

    /// <summary>Whether the server's tables are there, with or without rows.</summary>
    public static async Task<bool> HasTablesAsync(this TestStore store) => await store.ReadNumberAsync(
        store.Engine is StorageEngine.Sqlite
            ? "select count(*) from sqlite_master where name = 'profiles'"
            : "select count(*) from pg_class where relname = 'profiles'") > 0;

    /// <summary>PostgreSQL may go on for a while, and finish a commit, when its client was killed.</summary>
    public static async Task UntilAloneAsync(this TestStore store)
    {
        if (store.Engine is not StorageEngine.Postgres)
            return;
        await Eventually.IsTrueAsync(
            async () => await store.ReadNumberAsync(
                """
                select count(*) from pg_stat_activity
                where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()
                """) == 0,
            TimeSpan.FromMinutes(1),
            TestContext.Current.CancellationToken,
            "no one else is connected");
    }
}
