using Npgsql;
using PyResolve.Server.Tests.Devices;
using PyResolve.Server.Tests.Email;

namespace PyResolve.Server.Tests.Storage;

/// <summary>
/// Supabase serves the schema public to browsers, as the roles anon and authenticated, and grants them everything that is made in it. The
/// tables and functions are read from the catalogue, so that later ones are checked too.
/// </summary>
public sealed class SupabaseRolesTests
{
    internal const string AsSupabaseMakesThem = """
        create role anon nologin noinherit;
        create role authenticated nologin noinherit;
        create role service_role nologin noinherit bypassrls;
        grant usage on schema public to anon, authenticated, service_role;
        alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
        alter default privileges in schema public grant all on functions to anon, authenticated, service_role;
        alter default privileges in schema public grant all on sequences to anon, authenticated, service_role;
        """;

    /// <summary>Not those of an extension.</summary>
    private const string Ours =
        "where pronamespace = 'public'::regnamespace and not exists (select from pg_depend where objid = pg_proc.oid and deptype = 'e')";

    /// <summary>What a row's owner may not do either.</summary>
    private static readonly string[] Refused =
    [
        "update profiles set plan = 'enterprise'",
        "update profiles set email = 'other@example.com'",
        "update profiles set email_verified_at = now()",
        "update profiles set plan_override = 'enterprise'",
        "update profiles set stripe_customer_id = 'cus_other'",
        "insert into profiles (email) values ('new@example.com')",
        "insert into api_keys (user_id, key_hash, key_prefix) select user_id, 'x', 'pyr_live_0000000000' from api_keys",
        "update api_keys set scopes = 'keys'",
        "update api_keys set key_hash = 'x'",
        "delete from api_keys",
        "delete from usage_events",
        "select count(key_hash) from api_keys",
        "select count(stripe_customer_id) from profiles",
    ];

    [Fact]
    public async Task Browser_roles_cannot_read_change_or_execute_anything()
    {
        var cancellation = TestContext.Current.CancellationToken;
        await using var postgres = await PostgresServer.StartAsync(durable: true, cancellation);
        var address = await postgres.CreateDatabaseAsync(cancellationToken: cancellation);
        var store = TestStore.On(address);
        await store.ExecuteSqlAsync(AsSupabaseMakesThem);
        await FillAsync(store);
        await using var source = NpgsqlDataSource.Create($"{address};Pooling=false");

        var tables = await ListAsync(source, "postgres",
            "select format('%I', relname) from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')");
        var views = await ListAsync(source, "postgres",
            "select format('%I', relname) from pg_class where relnamespace = 'public'::regnamespace and relkind in ('v', 'm', 'f')");
        var functions = await ListAsync(source, "postgres", $"select oid::regprocedure::text from pg_proc {Ours}");
        var triggers = await ListAsync(source, "postgres", $"select proname from pg_proc {Ours} and prorettype = 'trigger'::regtype");

        // The schema is the right one, and its tables are not empty.
        tables.ShouldContain("profiles");
        functions.ShouldContain("log_key_changes(uuid[])");
        foreach (var table in new[] { "profiles", "passwords", "api_keys", "sessions", "usage_events", "reservations", "audit_log",
            "letters", "device_codes" })
            (await TryAsync(source, "postgres", $"select count(*) from {table}")).ShouldNotBe("0", table);
        (await ListAsync(source, "postgres",
            "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relrowsecurity"))
            .ShouldBeEmpty();
        (await ListAsync(source, "postgres", "select tablename || ': ' || policyname from pg_policies where schemaname = 'public'"))
            .ShouldBeEmpty();
        foreach (var role in new[] { "anon", "authenticated" })
        {
            await ShouldReachNoRowAsync(source, role, tables, views);
            await ShouldExecuteNothingAsync(source, role, triggers);
        }
    }

    /// <summary>With the policies that a project may have from elsewhere, and with functions of its own that lock.</summary>
    [Fact]
    public async Task Browser_roles_cannot_change_more_than_names_and_revocations_nor_lock_anything_whatever_the_policies_say()
    {
        var cancellation = TestContext.Current.CancellationToken;
        await using var postgres = await PostgresServer.StartAsync(durable: true, cancellation);
        var address = await postgres.CreateDatabaseAsync(cancellationToken: cancellation);
        await using var store = TestStore.On(address);
        await store.ExecuteSqlAsync(AsSupabaseMakesThem);
        await FillAsync(store);
        await store.ExecuteSqlAsync(
            """
            create policy own_profile on profiles for select using (true);
            create policy change_profile on profiles for update using (true);
            create policy new_profile on profiles for insert with check (true);
            create policy all_keys on api_keys for all using (true);
            create policy all_usage on usage_events for all using (true);
            """);
        await using var source = NpgsqlDataSource.Create($"{address};Pooling=false");

        foreach (var refused in Refused)
        {
            foreach (var role in new[] { "anon", "authenticated" })
                (await TryAsync(source, role, refused)).ShouldBe(PostgresErrorCodes.InsufficientPrivilege, $"{role}: {refused}");
        }

        foreach (var allowed in new[] { "profiles set name = 'Ada'", "api_keys set revoked_at = now()" })
        {
            (await TryAsync(source, "authenticated", $"with changed as (update {allowed} returning 1) select count(*) > 0 from changed"))
                .ShouldBe("True", allowed);
        }

        (await TryAsync(source, "authenticated", "update api_keys set revoked_at = null")).ShouldBe(PostgresErrorCodes.RaiseException);
        foreach (var role in new[] { "anon", "authenticated" })
            await ShouldLockNothingAsync(source, role);
    }

    private static async Task ShouldReachNoRowAsync(NpgsqlDataSource source, string role, List<string> tables, List<string> views)
    {
        foreach (var relation in tables.Concat(views))
            (await TryAsync(source, role, $"select count(*) from {relation}"))
                .ShouldBeOneOf(["0", PostgresErrorCodes.InsufficientPrivilege], $"{role} reads {relation}");
        foreach (var table in tables)
            (await TryAsync(source, role, $"with gone as (delete from {table} returning 1) select count(*) from gone"))
                .ShouldBeOneOf(["0", PostgresErrorCodes.InsufficientPrivilege], $"{role} deletes from {table}");
        (await ListAsync(source, "postgres",
            $"select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') "
            + $"and has_table_privilege('{role}', oid, 'truncate')")).ShouldBeEmpty(role);
    }

    private static async Task ShouldExecuteNothingAsync(NpgsqlDataSource source, string role, List<string> triggers)
    {
        (await ListAsync(source, "postgres",
            $"select oid::regprocedure::text from pg_proc {Ours} and prorettype <> 'trigger'::regtype "
            + $"and has_function_privilege('{role}', oid, 'execute')")).ShouldBeEmpty(role);
        foreach (var trigger in triggers)
            (await TryAsync(source, role, $"select {trigger}()::text")).ShouldBeOneOf(
                [PostgresErrorCodes.FeatureNotSupported, PostgresErrorCodes.InsufficientPrivilege], $"{role} calls {trigger}");
    }

    private static async Task ShouldLockNothingAsync(NpgsqlDataSource source, string role)
    {
        var tables = await ListAsync(source, "postgres",
            "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v')");
        tables.ShouldContain("profiles");
        foreach (var table in tables)
            (await TryAsync(source, role, $"begin; lock table {table} in access share mode nowait; rollback"))
                .ShouldBe(PostgresErrorCodes.InsufficientPrivilege, $"{role} locks {table}");
    }

    private static async Task FillAsync(TestStore store)
    {
        await using var smtp = new TestSmtpServer { IsSilent = true };
        await using var server = await TestServer.StartAsync(store, smtp.Settings());
        var account = await TestAccount.SignUpAsync(server.Http);
        (await account.Key.PostAsync("/usage", new { event_type = "scan" })).Status.ShouldBe(200);
        (await account.ReserveAsync()).Status.ShouldBe(201);
        await Device.BeginAsync(server.Http);
    }

    private static async Task<List<string>> ListAsync(NpgsqlDataSource source, string role, string sql)
    {
        await using var connection = await OpenAsync(source, role);
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string>();
        while (await reader.ReadAsync())
            rows.Add(reader.GetString(0));
        return rows;
    }

    /// <summary>The value, or the code of the refusal.</summary>
    private static async Task<string> TryAsync(NpgsqlDataSource source, string role, string sql)
    {
        try
        {
            await using var connection = await OpenAsync(source, role);
            await using var command = new NpgsqlCommand(sql, connection);
            return Convert.ToString(await command.ExecuteScalarAsync(), System.Globalization.CultureInfo.InvariantCulture)!;
        }
        catch (PostgresException refusal)
        {
            return refusal.SqlState;
        }
    }

    private static async Task<NpgsqlConnection> OpenAsync(NpgsqlDataSource source, string role)
    {
        var connection = await source.OpenConnectionAsync();
        await using var command = new NpgsqlCommand($"set role {role}", connection);
        await command.ExecuteNonQueryAsync();
        return connection;
    }
}
