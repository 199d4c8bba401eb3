using System.Text.Json;

namespace PyResolve.Server.Tests.Supabase;

/// <summary>What people changed about the guide's tables, or had to, and what an import makes of it.</summary>
public sealed class ImportVariantTests
{
    private const string Hash = "$2a$06$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";

    [Fact]
    public async Task What_does_not_fit_is_left_out_or_changed_and_named_with_its_reason()
    {
        await using var project = await GuideProject.StartAsync();
        var (ada, bob) = (await project.SignUpAsync("Ada@example.com"), await project.SignUpAsync("bob@example.com"));
        await project.Store.ExecuteSqlAsync(
            $"""
            alter table usage_events drop constraint usage_events_user_id_fkey;
            alter table api_keys drop constraint api_keys_user_id_fkey, drop constraint unique_key_prefix;
            alter table profiles drop constraint profiles_plan_check;
            update auth.users set email = null where id = '{bob}';
            update profiles set email = '', plan = null where id = '{bob}';
            update profiles set plan = 'unlimited' where id = '{ada}';
            insert into api_keys (user_id, key_hash, key_prefix, name, created_at) values
                ('{ada}', '{Hash}', 'pyr_live_00000000001', 'older', '2026-01-01'), ('{ada}', '{Hash}', 'pyr_live_00000000001', null, null),
                ('{ada}', '{Hash}', 'pyr_live_0000', null, null), ('{ada}', 'sha256:00', 'pyr_live_00000000002', null, null),
                ('{ada}', '$2a$14${Hash[7..]}', 'pyr_live_00000000003', null, null),
                ('00000000-0000-0000-0000-000000000001', '{Hash}', 'pyr_live_00000000004', null, null);
            insert into usage_events (user_id, event_type, tier, library, files_changed, tokens_used, metadata, created_at) values
                ('{ada}', 'migration', 'tier1', repeat('x', 200), null, null, null, '2026-10-05'),
                ('{ada}', 'migration', 'tier9', null, -5, -5, '[1]', '2026-10-05'),
                ('{ada}', 'scan', 'tier2', null, 1, 1, '{"{}"}', '2026-10-05'),
                ('{ada}', 'scan', null, null, 1, 1, '{"{}"}', null), ('{ada}', '', null, null, 1, 1, '{"{}"}', '2026-10-05'),
                ('00000000-0000-0000-0000-000000000001', 'migration', null, null, 1, 1, '{"{}"}', '2026-10-05');
            """);

        var report = await project.ImportAsync();

        Reasons(report, "refused").ShouldBe(
            ["profile_without_email 1", "key_of_nobody 1", "key_prefix_length 1", "key_hash_unreadable 2", "key_prefix_twice 1",
             "event_of_nobody 1", "event_without_time 1", "event_without_type 1"]);
        Reasons(report, "changed").ShouldBe(
            ["email_spelling 1", "plan_unknown 1", "event_tier_unknown 1", "event_number 1", "event_text 2", "event_tier_counted 1"]);
        Reasons(report, "notices").ShouldBe(["plan_without_customer 1"]);
        (await project.Store.ReadSqlAsync("select string_agg(name, ',') from api_keys")).ShouldBe("older");
        (await project.Store.ReadSqlAsync(
            "select concat_ws(' ', migrations, tier1_migrations, llm_migrations, total_tokens) from usage_monthly")).ShouldBe("2 1 0 1");
        (await project.Store.ReadNumberAsync("select count(*) from before_pyresolve.usage_events")).ShouldBe(6);
    }

    [Fact]
    public async Task Months_in_local_time_and_times_without_a_zone_become_months_of_UTC()
    {
        await using var project = await GuideProject.StartAsync();
        var ada = await project.SignUpAsync("ada@example.com");
        await project.Store.ExecuteSqlAsync(
            """
            do $$ begin execute format('alter database %I set timezone = ''Europe/Berlin''', current_database()); end $$;
            drop view monthly_usage;
            alter table usage_events alter column created_at type timestamp using created_at at time zone 'Europe/Berlin',
                add column month date;
            create index by_month on usage_events (user_id, date_trunc('month', created_at));
            """);
        await project.Store.ExecuteSqlAsync(
            $"""
            insert into usage_events (user_id, event_type, created_at)
            values ('{ada}', 'migration', '2026-10-01 01:30'), ('{ada}', 'migration', '2026-11-01 00:30')
            """);

        var report = await project.ImportAsync();

        Reasons(report, "changed").ShouldBe(["event_month 2"]);
        report.GetProperty("unknown_columns").EnumerateArray().Select(static column => column.GetString()).ShouldBe(["usage_events.month"]);
        (await project.Store.ReadSqlAsync("select string_agg(month || ' ' || migrations, ',' order by month) from usage_monthly"))
            .ShouldBe("2026-09 1,2026-10 1");
    }

    [Fact]
    public async Task Missing_policies_columns_and_tables_and_numbers_as_ids_are_taken_over()
    {
        await using var project = await GuideProject.StartAsync();
        var ada = await project.SignUpAsync("ada@example.com");
        var key = await project.CreateKeyAsync(ada);
        await project.Store.ExecuteSqlAsync(
            """
            drop policy "Users can view own profile" on profiles;
            alter table profiles drop column name, drop column updated_at;
            alter table api_keys add column expires_at timestamptz default '2026-01-01', drop column last_used_at;
            drop view monthly_usage;
            drop table usage_events;
            create table usage_events (id bigserial primary key, user_id uuid not null, event_type text, created_at timestamptz default now());
            """);
        await project.Store.ExecuteSqlAsync(
            $"insert into usage_events (user_id, event_type) select '{ada}', 'migration' from generate_series(1, 3)");

        await project.ImportAsync();

        (await project.Store.ReadNumberAsync("select sum(migrations)::bigint from usage_monthly")).ShouldBe(3);
        await project.ServeAsync();
        (await project.Server.WithKey(key).GetAsync("/me")).Status.ShouldBe(401);
        (await project.Store.ReadNumberAsync("select count(*) from api_keys where expires_at = '2026-01-01'")).ShouldBe(1);
    }

    [Fact]
    public async Task What_would_break_is_named_before_anything_changes()
    {
        await using var project = await GuideProject.StartAsync();
        await project.Store.ExecuteSqlAsync(
            """
            create table sessions (id int);
            create table teams (owner uuid constraint owned references profiles (id));
            create view busy as select count(*) from usage_events;
            alter table teams enable row level security;
            create policy mine on teams using (exists (select from profiles p where p.id = owner));
            """);
        var before = await project.DumpAsync();

        var refused = await project.RunAsync("--dump", project.DumpFile);

        refused.ExitCode.ShouldBe(1);
        refused.Error.ShouldContain("The server makes a table sessions, and there is one already.");
        refused.Error.ShouldContain("alter table teams drop constraint owned");
        refused.Error.ShouldContain("The view busy reads public.usage_events.");
        refused.Error.ShouldContain("The policy mine on teams reads public.profiles.");
        (await project.DumpAsync()).ShouldBe(before);
    }

    private static IEnumerable<string> Reasons(JsonElement report, string kind) => report.GetProperty(kind).EnumerateArray()
        .Select(static finding => $"{finding.GetProperty("reason").GetString()} {finding.GetProperty("rows").GetInt64()}");
}
