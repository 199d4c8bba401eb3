namespace PyResolve.Server.Tests.Storage;

/// <summary>A database with tables of another application: one message that names them, and nothing is changed.</summary>
public sealed class ForeignTablesTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task Tables_of_another_application_are_named_with_what_to_do(StorageEngine engine)
    {
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
        await store.ExecuteSqlAsync("create table sessions (id integer); create table letters (id integer)");

        var started = await MigrateAsync(store);

        var schema = engine is StorageEngine.Postgres ? "public." : "";
        started.ExitCode.ShouldBe(1);
        started.Error.Trim().ShouldBe(
            $"The database has tables {schema}letters, {schema}sessions of another application, where the server makes its own of the same "
            + "name. Name another database in DATABASE_URL, or rename what is there.");
    }

    [Theory, OnBothEngines]
    public async Task Profiles_that_are_not_the_guides_are_named(StorageEngine engine)
    {
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
        await store.ExecuteSqlAsync("create table profiles (id integer, nickname text)");

        var started = await MigrateAsync(store);

        started.ExitCode.ShouldBe(1);
        started.Error.ShouldContain("profiles of another application, where the server makes one of the same name. ");
        started.Error.ShouldContain("the command 'import supabase' takes it over");
        (await store.ReadNumberAsync("select count(*) from profiles")).ShouldBe(0);
    }

    [Theory, OnBothEngines]
    public async Task A_list_of_versions_of_another_application_is_named(StorageEngine engine)
    {
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
        await store.ExecuteSqlAsync("create table schema_versions (id integer)");

        var started = await MigrateAsync(store);

        started.ExitCode.ShouldBe(1);
        started.Error.ShouldContain("schema_versions of another application");
    }

    [Fact]
    public async Task Tables_in_another_schema_of_the_search_path_are_not_in_the_way()
    {
        await using var store = await TestStore.CreateAsync(StorageEngine.Postgres, servers.Postgres);
        await store.ExecuteSqlAsync(
            """
            create schema other;
            create table other.profiles (id integer);
            create table other.schema_versions (id integer);
            do $$ begin execute format('alter database %I set search_path = "$user", public, other', current_database()); end $$;
            """);

        var started = await MigrateAsync(store);

        started.OrThrow("migrate-schema").Output.ShouldContain("Applied 0001_foundation.");
        (await store.ReadNumberAsync("select count(*) from public.profiles")).ShouldBe(0);
    }

    [Theory]
    [InlineData("(id uuid, nickname text)", "Missing: profiles.email. Add these columns")]
    [InlineData(
        "(id integer, email text, created_at boolean)",
        "profiles.id is integer, not uuid, profiles.created_at is boolean, not timestamptz")]
    public async Task An_import_names_what_is_not_as_in_the_guide(string columns, string said)
    {
        await using var store = await TestStore.CreateAsync(StorageEngine.Postgres, servers.Postgres);
        await store.ExecuteSqlAsync($"create table profiles {columns}");

        var looked = await ServerProcess.RunAsync(
            ["import", "supabase", "--dry-run"], store.Settings, TestContext.Current.CancellationToken);

        looked.ExitCode.ShouldBe(1);
        looked.Error.ShouldStartWith("The tables are not those of the billing guide");
        looked.Error.ShouldContain(said);
    }

    private static Task<CommandResult> MigrateAsync(TestStore store) =>
        ServerProcess.RunAsync(["migrate-schema"], store.Settings, TestContext.Current.CancellationToken);
}
