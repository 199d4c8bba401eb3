using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Supabase;

/// <summary>The database of a Supabase project: what a browser does there and what the server does are one store.</summary>
public sealed class SupabaseModeTests
{
    private const string Denied = "42501";
    private const string Raised = "P0001";
    private const string InvalidJson = "22P02";
    private const string InvalidUuid = "22P02";

    [Fact]
    public async Task A_user_of_Supabase_Auth_has_a_profile_that_follows_the_address()
    {
        await using var project = await SupabaseProject.StartAsync(TestContext.Current.CancellationToken);
        var ada = await project.SignUpAsync("Ada@example.com", "Ada");
        var read = "select email, name, email_verified_at is not null from profiles";

        (await project.AsAsync("postgres", null, read)).ShouldBe("ada@example.com|Ada|False");
        await project.Store.ExecuteSqlAsync(
            $"update auth.users set confirmation_sent_at = now(), email_confirmed_at = now() where id = '{ada}'");
        (await project.AsAsync("postgres", null, read)).ShouldBe("ada@example.com|Ada|True");
        await project.Store.ExecuteSqlAsync($"update auth.users set email = 'new@example.com' where id = '{ada}'");
        (await project.AsAsync("postgres", null, read)).ShouldBe("new@example.com|Ada|True");
    }

    [Fact]
    public async Task A_key_made_in_the_browser_works_at_once_and_is_dead_within_a_second_of_its_revocation()
    {
        await using var project = await SupabaseProject.StartAsync(TestContext.Current.CancellationToken);
        var ada = await project.SignUpAsync("ada@example.com");

        var made = (await project.AsAsync("authenticated", ada, "select * from create_api_key('CI')")).Split('|');

        made[1].ShouldBe(made[0][..20]);
        (await project.Server.WithKey(made[0]).GetAsync("/me"))["email"].GetString().ShouldBe("ada@example.com");
        (await project.AsAsync("service_role", null, $"select * from validate_api_key('{made[0]}')"))
            .ShouldBe($"{ada}|ada@example.com|free|");
        (await project.AsAsync("authenticated", ada, "update api_keys set revoked_at = now() returning 1")).ShouldBe("1");
        await Eventually.HoldsAsync(
            async () => (await project.Server.WithKey(made[0]).GetAsync("/me")).Status.ShouldBe(401),
            TimeSpan.FromSeconds(1),
            TestContext.Current.CancellationToken);
        (await project.AsAsync("service_role", null, $"select * from validate_api_key('{made[0]}')")).ShouldBe("");
    }

    [Fact]
    public async Task A_key_made_by_the_server_is_valid_in_SQL_and_both_count_the_same_usage()
    {
        await using var project = await SupabaseProject.StartAsync(TestContext.Current.CancellationToken);
        var account = await TestAccount.SignUpAsync(project.Server.Http);
        var log = $"insert into usage_events (user_id, event_type, library, tier, files_changed, tokens_used, metadata) values "
            + $"('{account.UserId}', 'migration', 'pydantic', 'tier1', 3, 10, '{{}}')";

        (await project.AsAsync("service_role", null, $"select user_id, plan from validate_api_key('{account.ApiKey}')"))
            .ShouldBe($"{account.UserId}|free");
        (await project.AsAsync("service_role", null, log)).ShouldBe("");
        var used = await account.Key.PostAsync("/usage", new { event_type = "migration", tier = "tier1", tokens_used = 5 });

        used.Status.ShouldBe(200, used.Text);
        (await project.AsAsync("service_role", null, $"select * from get_current_usage('{account.UserId}')")).ShouldBe("2|2|0|15");
        (await account.QuotaAsync()).Used.ShouldBe(2);
        var month = await account.Key.GetAsync("/usage");
        month["total_tokens"].GetInt64().ShouldBe(15);
        month["total_files_changed"].GetInt64().ShouldBe(3);
    }

    [Fact]
    public async Task Each_attack_that_the_documents_policies_allow_is_refused()
    {
        await using var project = await SupabaseProject.StartAsync(TestContext.Current.CancellationToken);
        var (ada, bob) = (await project.SignUpAsync("ada@example.com"), await project.SignUpAsync("bob@example.com"));
        var key = (await project.AsAsync("authenticated", bob, "select api_key from create_api_key()"));
        await project.AsAsync("service_role", null, $"insert into usage_events (user_id, event_type) values ('{bob}', 'migration')");

        foreach (var (sql, owner, other, anonymous) in Attacks(bob, key))
        {
            (await project.AsAsync("authenticated", bob, sql)).ShouldBe(owner, $"The owner: {sql}");
            (await project.AsAsync("authenticated", ada, sql)).ShouldBe(other, $"Another user: {sql}");
            (await project.AsAsync("anon", null, sql)).ShouldBe(anonymous, $"Anonymous: {sql}");
        }
    }

    [Fact]
    public async Task Users_can_rename_themselves_and_make_and_revoke_keys_of_their_own_alone()
    {
        await using var project = await SupabaseProject.StartAsync(TestContext.Current.CancellationToken);
        var (ada, bob) = (await project.SignUpAsync("ada@example.com"), await project.SignUpAsync("bob@example.com"));
        await project.AsAsync("authenticated", bob, "select api_key from create_api_key()");

        (await project.AsAsync("authenticated", bob, "update api_keys set revoked_at = now() returning 1")).ShouldBe("1");
        (await project.AsAsync("authenticated", bob, "update api_keys set revoked_at = null returning 1")).ShouldBe(Raised);
        (await project.AsAsync("authenticated", ada, "update api_keys set revoked_at = null returning 1")).ShouldBe("");
        (await project.AsAsync("anon", null, "update api_keys set revoked_at = null")).ShouldBe(Denied);
        (await project.AsAsync("authenticated", ada, "update api_keys set revoked_at = now() returning 1")).ShouldBe("");
        (await project.AsAsync("authenticated", ada, "update profiles set name = 'Mine' returning id")).ShouldBe(ada.ToString());
        (await project.AsAsync("authenticated", null, "select * from create_api_key()")).ShouldBe(Raised);
        (await project.AsAsync("anon", null, "select * from create_api_key()")).ShouldBe(Denied);
    }

    [Fact]
    public async Task Claims_that_are_forged_or_malformed_give_no_rights()
    {
        await using var project = await SupabaseProject.StartAsync(TestContext.Current.CancellationToken);
        var bob = await project.SignUpAsync("bob@example.com");
        var forged = $$"""{"sub":"{{bob}}","role":"service_role","user_role":"postgres","is_admin":true}""";
        const string Read = "select count(*) from profiles";

        // The role of the database decides, not the one that a claim names.
        (await project.AsClaimingAsync("authenticated", forged, "update profiles set plan = 'enterprise'")).ShouldBe(Denied);
        (await project.AsClaimingAsync("authenticated", forged, "select * from validate_api_key('pyr_live_0')")).ShouldBe(Denied);
        (await project.AsClaimingAsync("anon", forged, Read)).ShouldBe(Denied);
        foreach (var nobody in new[] { "", "{}", """{"sub":""}""", """{"role":"service_role"}""", """{"sub":null}""" })
            (await project.AsClaimingAsync("authenticated", nobody, Read)).ShouldBeOneOf("0", InvalidJson);
        (await project.AsClaimingAsync("authenticated", """{"sub":"' or true --"}""", Read)).ShouldBe(InvalidUuid);
        (await project.AsAsync("authenticated", bob, "create schema auth2")).ShouldBe(Denied);
        (await project.AsAsync("authenticated", bob, "create function public.uid() returns uuid language sql as 'select null::uuid'"))
            .ShouldBe(Denied);
    }

    [Fact]
    public async Task A_search_path_of_the_caller_diverts_no_function()
    {
        await using var project = await SupabaseProject.StartAsync(TestContext.Current.CancellationToken);
        var (ada, bob) = (await project.SignUpAsync("ada@example.com"), await project.SignUpAsync("bob@example.com"));
        var database = await project.AsAsync("postgres", null, "select current_database()");
        await project.Store.ExecuteSqlAsync($"grant temporary on database \"{database}\" to authenticated, service_role");

        var made = await project.AsAsync(
            "authenticated", ada,
            $"""
            create temporary table profiles (id uuid, deleted_at timestamptz);
            create temporary table api_keys (user_id uuid, key_hash text, key_digest bytea, key_prefix text, name text);
            set search_path = pg_temp, public;
            select key_prefix from public.create_api_key();
            """);

        var usage = await project.AsAsync(
            "authenticated", ada,
            $"""
            create temporary table usage_monthly
                (user_id uuid, month text, migrations bigint, tier1_migrations bigint, llm_migrations bigint, total_tokens bigint);
            insert into usage_monthly select '{ada}', to_char(now() at time zone 'UTC', 'YYYY-MM'), -9, 0, 0, 0;
            set search_path = pg_temp, public;
            select * from public.get_current_usage('{ada}');
            """);
        var valid = await project.AsAsync(
            "service_role", null,
            $"""
            create temporary table api_keys (like public.api_keys including defaults);
            insert into api_keys (id, user_id, key_hash, key_digest, key_prefix, name)
            values ('{ada}', '{ada}', 'x', sha256('pyr_live_00000000000'), 'pyr_live_00000000000', 'x');
            set search_path = pg_temp, public;
            select * from public.validate_api_key('pyr_live_00000000000');
            """);

        made.Length.ShouldBe(20);
        (usage, valid).ShouldBe(("", ""));
        (await project.Store.ReadNumberAsync($"select count(*) from public.api_keys where user_id = '{ada}'")).ShouldBe(1);
        (await project.Store.ReadNumberAsync($"select count(*) from public.api_keys where user_id = '{bob}'")).ShouldBe(0);
    }

    [Fact]
    public async Task A_second_start_changes_nothing()
    {
        await using var project = await SupabaseProject.StartAsync(TestContext.Current.CancellationToken);
        const string Functions =
            "select string_agg(oid::text || xmin::text, ',' order by oid) from pg_proc where pronamespace = 'public'::regnamespace";
        var before = await project.AsAsync("postgres", null, Functions);

        await using var second = await TestServer.StartAsync(project.Store);

        (await project.AsAsync("postgres", null, Functions)).ShouldBe(before);
        (await second.Anonymous.GetAsync("/health/ready")).Status.ShouldBe(200);
    }

    /// <summary>What the owner of the rows, another user and a visitor get: a value, or the code of the refusal.</summary>
    private static (string Sql, string Owner, string Other, string Anonymous)[] Attacks(Guid bob, string key) =>
    [
        ("update profiles set plan = 'enterprise'", Denied, Denied, Denied),
        ("update profiles set stripe_customer_id = 'cus_1'", Denied, Denied, Denied),
        ("update profiles set email = 'x@example.com'", Denied, Denied, Denied),
        ("update profiles set plan_override = 'enterprise'", Denied, Denied, Denied),
        ("update profiles set email_verified_at = now()", Denied, Denied, Denied),
        ("insert into profiles (id, email) values (gen_random_uuid(), 'x@example.com')", Denied, Denied, Denied),
        ("delete from profiles", Denied, Denied, Denied),
        ("update api_keys set scopes = 'keys'", Denied, Denied, Denied),
        ("update api_keys set key_hash = 'x'", Denied, Denied, Denied),
        ("update api_keys set expires_at = null", Denied, Denied, Denied),
        ("update api_keys set user_id = auth.uid()", Denied, Denied, Denied),
        ("select key_hash from api_keys", Denied, Denied, Denied),
        ("insert into api_keys (user_id, key_hash, key_prefix) select auth.uid(), 'x', 'pyr_live_00000000000'", Denied, Denied, Denied),
        ("delete from api_keys", Denied, Denied, Denied),
        ("insert into usage_events (user_id, event_type) select auth.uid(), 'scan'", Denied, Denied, Denied),
        ("update usage_events set tokens_used = 0", Denied, Denied, Denied),
        ("delete from usage_events", Denied, Denied, Denied),
        ("update usage_monthly set migrations = 0", Denied, Denied, Denied),
        ("update monthly_usage set migrations = 0", Denied, Denied, Denied),
        ("begin; lock table profiles in share mode", Denied, Denied, Denied),
        ("truncate usage_events", Denied, Denied, Denied),
        ("truncate profiles cascade", Denied, Denied, Denied),
        ($"select count(*) from profiles where id = '{bob}'", "1", "0", Denied),
        ($"select count(*) from api_keys where user_id = '{bob}'", "1", "0", Denied),
        ($"select count(*) from usage_events where user_id = '{bob}'", "1", "0", Denied),
        ($"select count(*) from monthly_usage where user_id = '{bob}'", "1", "0", Denied),
        ($"select migrations from get_current_usage('{bob}')", "1", "", Denied),
        ($"select * from validate_api_key('{key}')", Denied, Denied, Denied),
        ("select handle_new_user()", Denied, Denied, Denied),
        ("select log_key_changes(null)", Denied, Denied, Denied),
        ("select * from passwords", Denied, Denied, Denied),
        ("select * from sessions", Denied, Denied, Denied),
        ("create function auth.uid() returns uuid language sql as 'select null::uuid'", "42501", "42501", "42501"),
        ("alter table profiles disable row level security", Denied, Denied, Denied),
    ];
}
