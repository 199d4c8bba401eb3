using System.Text.Json;

namespace PyResolve.Server.Tests.Supabase;

/// <summary><c>import supabase</c> of a project whose database the billing guide made.</summary>
public sealed class ImportTests
{
    [Fact]
    public async Task A_project_is_taken_over_in_place_with_its_keys_and_months()
    {
        await using var project = await GuideProject.StartAsync();
        var (ada, bob) = (await project.SignUpAsync("Ada@example.com"), await project.SignUpAsync("bob@example.com"));
        var (key, revoked) = (await project.CreateKeyAsync(ada), await project.CreateKeyAsync(bob));
        await project.AsAsync("authenticated", bob, "update api_keys set revoked_at = now()");
        await project.AddUsageAsync(ada, "2026-09-30 23:59:59.999Z", "2026-10-01 00:00Z", "2026-08-31 20:00-05:00", "now");
        await project.Store.ExecuteSqlAsync($"update profiles set plan = 'pro', stripe_customer_id = 'cus_1' where id = '{ada}'");

        var imported = (await project.ImportAsync()).GetProperty("imported");

        Numbers(imported).ShouldBe((2, 2, 8));
        (await project.CountWrongMonthsAsync()).ShouldBe(0);
        await project.ServeAsync();
        var me = await project.Server.WithKey(key).GetAsync("/me");
        (me["email"].GetString(), me["plan"].GetString(), me["user_id"].GetGuid()).ShouldBe(("ada@example.com", "pro", ada));
        (await project.Server.WithKey(revoked).GetAsync("/me")).Status.ShouldBe(401);
        var quota = await project.Server.WithKey(key).GetAsync("/quota");
        (quota["migrations_used"].GetInt64(), quota["migrations_limit"].GetInt64()).ShouldBe((1, 50));
        (await project.AsAsync("service_role", null, $"select user_id from validate_api_key('{key}')")).ShouldBe($"{ada}");
        (await project.Store.ReadNumberAsync("select count(*) from profiles where stripe_customer_id = 'cus_1'")).ShouldBe(1);
    }

    [Fact]
    public async Task A_dry_run_says_what_it_would_lock_and_changes_nothing()
    {
        await using var project = await GuideProject.StartAsync();
        await project.AddUsageAsync(await project.SignUpAsync("ada@example.com"), "2026-10-01 00:00Z");
        var before = await project.DumpAsync();

        var said = (await project.RunAsync("--dry-run")).OrThrow("The dry run");

        (await project.DumpAsync()).ShouldBe(before);
        said.Output.ShouldContain("Would import what is taken over of 1 accounts, 0 keys and 2 usage events.");
        said.Output.ShouldContain("Would lock auth.users, public.api_keys, public.profiles, public.usage_events for about 3 s: 3 rows, ");
        said.Output.ShouldContain("pg_dump --format=custom --schema=public --file=before-import.dump \"$DATABASE_URL\"");
        said.Output.ShouldContain("pg_restore --single-transaction --exit-on-error --dbname=\"$DATABASE_URL\" before-import.dump");
    }

    [Fact]
    public async Task Without_a_dump_nothing_begins()
    {
        await using var project = await GuideProject.StartAsync();
        await project.SignUpAsync("ada@example.com");

        var without = await project.RunAsync();
        var missing = await project.RunAsync("--dump", project.DumpFile);
        await File.WriteAllTextAsync(project.DumpFile, "no dump", TestContext.Current.CancellationToken);
        var wrong = await project.RunAsync("--dump", project.DumpFile);

        (without.ExitCode, missing.ExitCode, wrong.ExitCode).ShouldBe((2, 2, 2));
        without.Error.ShouldContain("A dump of the database is what takes an import back. Nothing was changed. Make it with:");
        missing.Error.ShouldContain($"There is no file {project.DumpFile}.");
        wrong.Error.ShouldContain("is no dump in the custom format of pg_dump");
        (await project.Store.ReadNumberAsync("select count(*) from pg_namespace where nspname = 'before_pyresolve'")).ShouldBe(0);
    }

    [Fact]
    public async Task A_second_run_changes_nothing()
    {
        await using var project = await GuideProject.StartAsync();
        await project.AddUsageAsync(await project.SignUpAsync("ada@example.com"), "2026-10-01 00:00Z");
        await project.ImportAsync();
        var before = await project.DumpAsync();

        var again = await project.RunAsync("--dump", project.DumpFile);

        again.OrThrow("The second import").Output.ShouldStartWith("The database has the server's tables already: nothing was changed.");
        (await project.DumpAsync()).ShouldBe(before);
    }

    [Fact]
    public async Task The_commands_that_it_prints_take_it_back()
    {
        await using var project = await GuideProject.StartAsync();
        var ada = await project.SignUpAsync("ada@example.com");
        await project.CreateKeyAsync(ada);
        await project.AddUsageAsync(ada, "2026-10-01 00:00Z");
        var before = await project.DumpAsync();

        var imported = await project.ImportAsync();
        foreach (var command in imported.GetProperty("take_back").EnumerateArray())
            (await project.RunShellAsync(command.GetString()!)).OrThrow(command.GetString()!);

        (await project.DumpAsync()).ShouldBe(before);
        (await project.CreateKeyAsync(await project.SignUpAsync("bob@example.com"))).ShouldStartWith("pyr_live_");
    }

    [Fact]
    public async Task Keys_of_another_prefix_work_once_the_settings_name_it()
    {
        await using var project = await GuideProject.StartAsync();
        var ada = await project.SignUpAsync("ada@example.com");
        var (key, shorter) = ($"cs_live_{new string('a', 48)}", $"cs_live_{new string('b', 32)}");
        foreach (var one in new[] { key, shorter })
        {
            await project.Store.ExecuteSqlAsync(
                $"""
                insert into api_keys (user_id, key_hash, key_prefix)
                values ('{ada}', extensions.crypt('{one}', extensions.gen_salt('bf')), '{one[..20]}')
                """);
        }

        var notice = (await project.ImportAsync()).GetProperty("notices").EnumerateArray().ShouldHaveSingleItem();

        (notice.GetProperty("reason").GetString(), notice.GetProperty("rows").GetInt64()).ShouldBe(("key_prefix_other", 2));
        await using var unnamed = await TestServer.StartAsync(project.Store);
        (await unnamed.WithKey(key).GetAsync("/me")).Status.ShouldBe(401);
        await project.ServeAsync(new Dictionary<string, string?> { ["PyResolve:KeyPrefixes"] = "cs_,cs_live_" });
        (await project.Server.WithKey(key).GetAsync("/me")).Status.ShouldBe(200);
        (await project.Server.WithKey(shorter).GetAsync("/me")).Status.ShouldBe(200);
        (await project.Server.WithKey(key[..^1] + "b").GetAsync("/me")).Status.ShouldBe(401);
        (await project.Server.WithKey("cs_live_short").GetAsync("/me")).Status.ShouldBe(401);
    }

    [Fact]
    public async Task Another_servers_project_is_copied_and_copied_again_without_doubling_anything()
    {
        await using var project = await GuideProject.StartAsync();
        var ada = await project.SignUpAsync("ada@example.com");
        var key = await project.CreateKeyAsync(ada);
        await project.AddUsageAsync(ada, "2026-10-01 00:00Z", "2026-10-02 00:00Z");
        await using var target = await project.CreateDatabaseAsync();
        var before = await project.DumpAsync();

        var first = await CopyAsync(project, target);
        var second = await CopyAsync(project, target);
        (await project.DumpAsync()).ShouldBe(before);
        await project.AddUsageAsync(ada, "2026-10-03 00:00Z");
        var third = await CopyAsync(project, target);

        (Numbers(first), Numbers(second), Numbers(third)).ShouldBe(((1, 1, 4), (0, 0, 0), (0, 0, 2)));
        var month = $"select migrations || ' ' || total_tokens from usage_monthly where user_id = '{ada}' and month = '2026-10'";
        (await target.ReadSqlAsync(month)).ShouldBe("3 60");
        await using var server = await TestServer.StartAsync(target);
        (await server.WithKey(key).GetAsync("/me"))["email"].GetString().ShouldBe("ada@example.com");
    }

    [Fact]
    public async Task A_key_that_is_revoked_between_two_copies_is_revoked_here_too()
    {
        await using var project = await GuideProject.StartAsync();
        var key = await project.CreateKeyAsync(await project.SignUpAsync("ada@example.com"));
        await using var target = await project.CreateDatabaseAsync();
        await CopyAsync(project, target);
        await using var server = await TestServer.StartAsync(target);
        (await server.WithKey(key).GetAsync("/me")).Status.ShouldBe(200);
        await project.Store.ExecuteSqlAsync("update api_keys set revoked_at = now()");

        await CopyAsync(project, target);

        await Eventually.IsTrueAsync(
            async () => (await server.WithKey(key).GetAsync("/me")).Status == 401,
            cancellationToken: TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_server_does_not_start_on_the_guides_tables_and_says_what_takes_them_over()
    {
        await using var project = await GuideProject.StartAsync();

        var started = await ServerProcess.RunAsync(
            ["migrate-schema"], project.Store.Settings, TestContext.Current.CancellationToken);

        started.ExitCode.ShouldBe(1);
        started.Error.ShouldContain("the command 'import supabase' takes it over");
    }

    [Fact]
    public async Task The_embedded_database_takes_no_project_over()
    {
        var folder = Directory.CreateTempSubdirectory("pyresolve-import-");

        var refused = await ServerProcess.RunAsync(
            ["import", "supabase"], new Dictionary<string, string?> { ["PYRESOLVE_DATA"] = folder.FullName },
            TestContext.Current.CancellationToken);

        folder.Delete(recursive: true);
        (refused.ExitCode, refused.Output).ShouldBe((2, ""));
        refused.Error.ShouldStartWith("DATABASE_URL names no PostgreSQL");
    }

    private static async Task<JsonElement> CopyAsync(GuideProject from, TestStore to)
    {
        var copied = await ServerProcess.RunAsync(
            ["import", "supabase", "--from", from.Store.Settings["DATABASE_URL"]!, "--json"], to.Settings,
            TestContext.Current.CancellationToken);
        return GuideProject.Parse(copied.OrThrow("The copy")).GetProperty("imported");
    }

    private static (long Accounts, long Keys, long Events) Numbers(JsonElement rows) =>
        (rows.GetProperty("accounts").GetInt64(), rows.GetProperty("keys").GetInt64(), rows.GetProperty("events").GetInt64());
}
