using System.Text.Json;

namespace PyResolve.Server.Tests.Supabase;

/// <summary>What an import says about what somebody has to look at.</summary>
public sealed class ImportReportTests
{
    [Fact]
    public async Task A_plan_keeps_its_name_and_one_that_the_catalogue_does_not_know_is_named()
    {
        await using var project = await GuideProject.StartAsync();
        await project.Store.ExecuteSqlAsync("alter table profiles drop constraint profiles_plan_check");
        foreach (var plan in new[] { "team", "gold", "gold_2024", "free", "Pro!", "9lives" })
        {
            var user = await project.SignUpAsync($"{plan.Trim('!')}@example.com");
            await project.Store.ExecuteSqlAsync($"update profiles set plan = '{plan}' where id = '{user}'");
        }

        foreach (var setting in new[] { "free__Order=1", "free__WithoutPayment=true", "free__MigrationsLimit=5", "team__Order=2",
            "team__MigrationsLimit=70" })
            project.Settings[$"PyResolve__Plans__{setting.Split('=')[0]}"] = setting.Split('=')[1];
        var report = await project.ImportAsync();

        (await project.Store.ReadSqlAsync("select string_agg(plan, ',' order by email collate \"C\") from profiles"))
            .ShouldBe("free,free,gold,gold_2024,free,team");
        var unknown = Notice(report, "plan_not_in_catalogue");
        (unknown.GetProperty("rows").GetInt64(), Details(unknown)).ShouldBe((2, "gold: 1; gold_2024: 1"));
        unknown.GetProperty("text").GetString()!.ShouldContain("have the plan without payment, free, until the catalogue has theirs");
        report.GetProperty("changed").EnumerateArray().Single(static one => one.GetProperty("reason").GetString() == "plan_unknown")
            .GetProperty("rows").GetInt64().ShouldBe(2);
        Notice(report, "plan_without_customer").GetProperty("rows").GetInt64().ShouldBe(1);
    }

    [Fact]
    public async Task Accounts_that_share_a_mailbox_are_named_before_and_after()
    {
        await using var project = await GuideProject.StartAsync();
        var (first, second) = (await project.SignUpAsync("ada@münchen.example"), await project.SignUpAsync("ADA@xn--mnchen-3ya.example"));
        await project.Store.ExecuteSqlAsync(
            $"update profiles set created_at = case when id = '{first}' then timestamptz '2026-01-01' else '2026-02-01' end");
        var key = await project.CreateKeyAsync(second);
        var named = $"{second} (ada@xn--mnchen-3ya.example) has the mailbox of {first} (ada@münchen.example)";

        var look = (await project.RunAsync("--dry-run")).OrThrow("The dry run").Output;
        var report = await project.ImportAsync();

        look.ShouldContain("1 look at: accounts whose email address is that of an older account");
        look.ShouldContain("accounts set-email <id> <new email>");
        look.ShouldContain(named);
        Details(Notice(report, "email_shared")).ShouldBe(named);
        await project.ServeAsync();
        (await project.Server.WithKey(key).GetAsync("/me"))["user_id"].GetGuid().ShouldBe(second);
    }

    [Fact]
    public async Task What_the_project_added_to_the_guides_tables_is_named_and_stays_with_the_old_ones()
    {
        await using var project = await GuideProject.StartAsync();
        await project.Store.ExecuteSqlAsync(
            """
            create policy "Team leads see all" on profiles for select using (false);
            create function tell() returns trigger language plpgsql as 'begin return new; end';
            create trigger tell_others after insert on usage_events for each row execute function tell();
            create or replace function get_current_usage(p_user_id uuid)
            returns table (migrations bigint, tier1_migrations bigint, llm_migrations bigint, total_tokens bigint)
            language sql security definer as 'select 0::bigint, 0::bigint, 0::bigint, 0::bigint';
            """);

        var report = await project.ImportAsync();

        Details(Notice(report, "policy_own")).ShouldBe("\"Team leads see all\" on profiles");
        Details(Notice(report, "trigger_own")).ShouldBe("tell_others on usage_events, which calls tell");
        Details(Notice(report, "function_changed")).ShouldBe("get_current_usage(uuid)");
        (await project.Store.ReadSqlAsync("select polrelid::regclass::text from pg_policy where polname = 'Team leads see all'"))
            .ShouldBe("before_pyresolve.profiles");
        (await project.Store.ReadSqlAsync("select tgrelid::regclass::text from pg_trigger where tgname = 'tell_others'"))
            .ShouldBe("before_pyresolve.usage_events");
    }

    [Fact]
    public async Task The_guide_to_the_letter_gives_nothing_to_look_at()
    {
        await using var project = await GuideProject.StartAsync();
        await project.AddUsageAsync(await project.SignUpAsync("ada@example.com"), "2026-10-01 00:00Z");

        var report = await project.ImportAsync();

        report.GetProperty("notices").GetArrayLength().ShouldBe(0, report.GetRawText());
        report.GetProperty("refused").GetArrayLength().ShouldBe(0, report.GetRawText());
    }

    private static JsonElement Notice(JsonElement report, string reason) => report.GetProperty("notices").EnumerateArray()
        .Single(notice => notice.GetProperty("reason").GetString() == reason);

    private static string Details(JsonElement finding) =>
        string.Join("; ", finding.GetProperty("details").EnumerateArray().Select(static detail => detail.GetString()));
}
