namespace PyResolve.TestKit.Tests;

public sealed class TestStoreTests(PostgresFixture postgres)
{
    /// <summary>What is random or a time, and so differs between any two stores.</summary>
    private const string OfEachStore = "'salt', 'stamp', 'at', 'applied_at'";

    [Theory, OnBothEngines]
    public async Task A_store_that_is_ready_has_the_same_schema_and_rows_as_one_that_the_schemas_files_made(StorageEngine engine)
    {
        await using var ready = await TestStore.CreateReadyAsync(engine, postgres);
        await using var made = await TestStore.CreateAsync(engine, postgres);
        await StoreTemplate.FillAsync(engine, made.ConnectionString);

        var schema = await DescribeSchemaAsync(ready);

        schema.ShouldContain("key_epoch");
        schema.ShouldBe(await DescribeSchemaAsync(made));
        (await DescribeRowsAsync(ready)).ShouldBe(await DescribeRowsAsync(made));
    }

    [Theory, OnBothEngines]
    public async Task Stores_that_are_ready_have_random_values_of_their_own(StorageEngine engine)
    {
        await using var one = await TestStore.CreateReadyAsync(engine, postgres);
        await using var other = await TestStore.CreateReadyAsync(engine, postgres);
        foreach (var column in new[] { "salt from device_salt", "stamp from key_epoch", "stamp from key_changes" })
            (await one.ReadSqlAsync($"select {column}")).ShouldNotBe(await other.ReadSqlAsync($"select {column}"), column);

        (await one.ReadSqlAsync("select count(*) from key_changes c join key_epoch e on e.epoch = c.epoch and e.stamp = c.stamp"))
            .ShouldBe(1L);
    }

    [Theory, OnBothEngines]
    public async Task A_server_applies_nothing_to_a_store_that_is_ready(StorageEngine engine)
    {
        await using var store = await TestStore.CreateReadyAsync(engine, postgres);
        const string Last = "select max(applied_at) from schema_versions";
        var before = await store.ReadSqlAsync(Last);

        await using var server = await TestServer.StartAsync(store);

        (await server.Anonymous.GetAsync("/health/ready")).Status.ShouldBe(200);
        (await store.ReadSqlAsync(Last)).ShouldBe(before);
    }

    private static async Task<string> DescribeSchemaAsync(TestStore store) => $"{await store.ReadSqlAsync(
        store.Engine is StorageEngine.Sqlite
            ? "select group_concat(sql, char(10)) from (select sql from sqlite_master where sql is not null order by type, name)"
            : """
              select string_agg(line, e'\n' order by line)
              from (
                  select format('%s %s %s %s %s', table_name, column_name, data_type, is_nullable, column_default)
                  from information_schema.columns where table_schema = 'public'
                  union all
                  select indexdef from pg_indexes where schemaname = 'public'
                  union all
                  select format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
                  from pg_constraint where connamespace = 'public'::regnamespace
                  union all
                  select pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
                  union all
                  select format('%s %s', pg_get_functiondef(oid), proacl)
                  from pg_proc where pronamespace = 'public'::regnamespace and prokind = 'f'
                  union all
                  select format('%s %s', viewname, definition) from pg_views where schemaname = 'public'
                  union all
                  select format('%s %s %s %s %s', relname, relkind, relacl, relrowsecurity, reloptions)
                  from pg_class where relnamespace = 'public'::regnamespace and relkind <> 't'
              ) described (line)
              """)}";

    private static async Task<string> DescribeRowsAsync(TestStore store)
    {
        if (store.Engine is StorageEngine.Postgres)
        {
            return $"{await store.ReadSqlAsync(
                $"""
                select string_agg(query_to_xml(
                    format($q$select %L as name, to_jsonb(t) - array[{OfEachStore}] as row from %I t order by 2$q$, relname, relname),
                    true, false, '')::text, e'\n' order by relname)
                from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'
                """)}";
        }

        var tables = $"{await store.ReadSqlAsync("select group_concat(name) from sqlite_master where type = 'table'")}".Split(',');
        var described = new List<string>();
        foreach (var table in tables.Order(StringComparer.Ordinal))
        {
            var columns = await store.ReadSqlAsync(
                $"""
                select group_concat('quote("' || name || '")', ' || '' '' || ')
                from pragma_table_info('{table}') where name not in ({OfEachStore})
                """);
            var rows = await store.ReadSqlAsync(
                $"select group_concat(line, char(10)) from (select {columns} as line from {table} order by 1)");
            described.Add($"{table}: {rows}");
        }

        return string.Join('\n', described);
    }
}
