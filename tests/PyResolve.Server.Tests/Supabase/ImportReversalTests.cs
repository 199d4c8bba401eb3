using System.Text.Json;

namespace PyResolve.Server.Tests.Supabase;

/// <summary><c>import supabase --take-back</c>: what the import did is undone, whole or not at all, and nothing else is touched.</summary>
public sealed class ImportReversalTests
{
    [Fact]
    public async Task The_command_that_it_prints_takes_it_back()
    {
        await using var project = await GuideProject.StartAsync();
        var ada = await project.SignUpAsync("ada@example.com");
        await project.CreateKeyAsync(ada);
        await project.AddUsageAsync(ada, "2026-10-01 00:00Z");
        var before = await project.DumpAsync();

        await TakeBackAsync(project, await project.ImportAsync());

        (await project.DumpAsync()).ShouldBe(before);
        (await project.CreateKeyAsync(await project.SignUpAsync("bob@example.com"))).ShouldStartWith("pyr_live_");
    }

    [Fact]
    public async Task A_role_that_is_no_superuser_takes_it_back_and_all_else_of_the_project_stays()
    {
        await using var project = await GuideProject.StartAsync(isHosted: true);
        await project.Store.ExecuteSqlAsync(
            """
            create extension citext schema public;
            create table notes (id int primary key, address citext);
            insert into notes values (1, 'before');
            revoke all on profiles, api_keys from anon;
            revoke execute on function create_api_key(text) from public, anon;
            create policy only_mine on usage_events as restrictive for select using (user_id = auth.uid());
            comment on table profiles is 'people';
            """);
        var ada = await project.SignUpAsync("ada@example.com");
        await project.CreateKeyAsync(ada);
        await project.AddUsageAsync(ada, "2026-10-01 00:00Z");
        var before = await project.DumpAsync();

        var imported = await project.ImportAsync();
        await project.Store.ExecuteSqlAsync("insert into notes values (2, 'since')");
        await TakeBackAsync(project, imported);

        (await project.Store.ReadSqlAsync("select string_agg(address::text, ',' order by id) from notes")).ShouldBe("before,since");
        await project.Store.ExecuteSqlAsync("delete from notes where id = 2");
        (await project.DumpAsync()).ShouldBe(before);
        (await project.CreateKeyAsync(await project.SignUpAsync("bob@example.com"))).ShouldStartWith("pyr_live_");
    }

    [Theory]
    [InlineData(
        "create table teams (owner uuid references profiles (id))",
        "The table teams refers to public.profiles. Drop that first, and add it again afterwards: alter table teams drop constraint")]
    [InlineData(
        "create view busy as select count(*) from usage_monthly",
        "The view busy reads public.usage_monthly. Drop it first")]
    [InlineData(
        "create function mine(one profiles) returns text language sql return one.name",
        "The function mine(profiles) takes or returns a row of profiles. Drop it first")]
    [InlineData(
        "create table notes (id int); create index idx_api_keys_user on notes (id)",
        "Something was made since the import where the project's own has its place: relation \"idx_api_keys_user\" already exists")]
    public async Task Taking_back_that_fails_changes_nothing_and_says_why(string since, string reason)
    {
        await using var project = await GuideProject.StartAsync();
        await project.CreateKeyAsync(await project.SignUpAsync("ada@example.com"));
        await project.ImportAsync();
        await project.Store.ExecuteSqlAsync(since);
        var before = await project.DumpAsync();

        var refused = await project.RunAsync("--take-back");

        refused.ExitCode.ShouldBe(1);
        refused.Error.ShouldStartWith("Nothing was changed.");
        refused.Error.ShouldContain(reason);
        (await project.DumpAsync()).ShouldBe(before);
    }

    [Fact]
    public async Task Without_the_projects_own_tables_there_is_nothing_to_take_back()
    {
        await using var project = await GuideProject.StartAsync();
        await project.SignUpAsync("ada@example.com");

        var never = await project.RunAsync("--take-back");
        await project.ImportAsync();
        await project.Store.ExecuteSqlAsync("drop schema before_pyresolve cascade");
        var dropped = await project.RunAsync("--take-back");
        var mixed = await project.RunAsync("--take-back", "--dry-run");

        (never.ExitCode, dropped.ExitCode, mixed.ExitCode).ShouldBe((1, 1, 2));
        never.Error.ShouldContain("The database has none of the server's tables");
        dropped.Error.ShouldContain("There is no schema before_pyresolve with the project's own tables");
        mixed.Error.ShouldContain("--take-back stands alone");
    }

    private static async Task TakeBackAsync(GuideProject project, JsonElement imported)
    {
        foreach (var command in imported.GetProperty("take_back").EnumerateArray())
            (await project.RunShellAsync(command.GetString()!)).OrThrow(command.GetString()!);
    }
}
