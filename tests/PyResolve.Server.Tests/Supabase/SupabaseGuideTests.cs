using PyResolve.Server.Tests.Storage;

namespace PyResolve.Server.Tests.Supabase;

/// <summary>The commands of docs/supabase.md that move a project over, word by word.</summary>
public sealed class SupabaseGuideTests
{
    private const string Page = "supabase.md";

    [Fact]
    public async Task The_page_sets_a_project_up_with_its_settings_as_they_are()
    {
        await using var project = await SupabaseProject.CreateAsync(isHosted: true, TestContext.Current.CancellationToken);
        var settings = new Dictionary<string, string?>(project.Store.Settings)
        {
            ["SUPABASE_URL"] = "https://abc.supabase.co",
            ["SUPABASE_JWT_SECRET"] = new string('s', 40),
            ["SUPABASE_ANON_KEY"] = "anon",
            ["SUPABASE_SERVICE_KEY"] = "service",
        };

        var made = await ServerProcess.RunAsync(["migrate-schema"], settings, TestContext.Current.CancellationToken);
        var again = await ServerProcess.RunAsync(["migrate-schema"], settings, TestContext.Current.CancellationToken);

        made.OrThrow("migrate-schema");
        again.OrThrow("migrate-schema").Output.ShouldNotContain("Applied");
        var ada = await project.SignUpAsync("ada@example.com");
        (await project.AsAsync("authenticated", ada, "select length(api_key) from create_api_key()")).ShouldBe("57");
        (await project.AsAsync("authenticated", ada, "update profiles set plan = 'pro'")).ShouldBe("42501");
    }

    [Fact]
    public async Task The_page_moves_a_project_over_and_takes_it_back()
    {
        await using var project = await GuideProject.StartAsync();
        var ada = await project.SignUpAsync("ada@example.com");
        await project.CreateKeyAsync(ada);
        await project.AddUsageAsync(ada, "2026-10-01 00:00Z");
        var before = await project.DumpAsync();

        foreach (var start in new[] { "pyresolve-server import supabase --dry-run", "pg_dump", "pyresolve-server import supabase --dump" })
            await RunAsync(project, Guide.Lines(Page, start).ShouldHaveSingleItem());
        (await project.CountWrongMonthsAsync()).ShouldBe(0);
        await RunAsync(project, Guide.Lines(Page, "pyresolve-server import supabase --take-back").ShouldHaveSingleItem());

        (await project.DumpAsync()).ShouldBe(before);
    }

    [Fact]
    public async Task The_page_removes_the_projects_own_tables_afterwards()
    {
        await using var project = await GuideProject.StartAsync();
        var key = await project.CreateKeyAsync(await project.SignUpAsync("ada@example.com"));
        await project.ImportAsync();

        await RunAsync(project, Guide.Lines(Page, "psql \"$DATABASE_URL\" --command='drop schema before_pyresolve").ShouldHaveSingleItem());

        (await project.RunAsync()).OrThrow("Another run").Output.ShouldContain("nothing was changed");
        await project.ServeAsync();
        (await project.Server.WithKey(key).GetAsync("/me")).Status.ShouldBe(200);
    }

    [Fact]
    public async Task The_page_copies_from_a_dump_into_a_plain_PostgreSQL()
    {
        await using var project = await GuideProject.StartAsync();
        var ada = await project.SignUpAsync("ada@example.com");
        var key = await project.CreateKeyAsync(ada);
        await project.AddUsageAsync(ada, "2026-10-01 00:00Z");
        await project.MakeDumpAsync();
        await using var target = await project.CreateDatabaseAsync();
        var address = PostgresAddress.Parse(target.Settings["DATABASE_URL"]!);
        address.Database = "old_project";
        var environment = new Dictionary<string, string?>
        {
            ["DATABASE_URL"] = target.Settings["DATABASE_URL"],
            ["OLD_DATABASE_URL"] = PostgresAddress.ToUrl(address.ConnectionString),
        };

        await RunAsync(project, Guide.Block(Page, "sh", "createdb"), environment);

        await using var server = await TestServer.StartAsync(target);
        (await server.WithKey(key).GetAsync("/me"))["email"].GetString().ShouldBe("ada@example.com");
        (await target.ReadSqlAsync("select month || ' ' || migrations from usage_monthly")).ShouldBe("2026-10 1");
    }

    private static async Task RunAsync(GuideProject project, string command, IReadOnlyDictionary<string, string?>? environment = null) =>
        (await project.RunShellAsync(command, environment)).OrThrow(command);
}
