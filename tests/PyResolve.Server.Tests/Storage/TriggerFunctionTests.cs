using Npgsql;

namespace PyResolve.Server.Tests.Storage;

/// <summary>The functions that log changes run as the owner of the tables, for every role that may revoke keys by SQL.</summary>
public sealed class TriggerFunctionTests(SharedServers servers)
{
    [Fact]
    public async Task A_role_that_may_only_revoke_keys_cannot_run_code_as_the_owner()
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Postgres, servers.Postgres);
        var account = await own.SignUpAsync();
        var role = $"support_{Guid.CreateVersion7(TimeProvider.System.GetUtcNow()):n}";
        await own.Store.ExecuteSqlAsync($"create role {role} login; grant select, update (revoked_at) on api_keys to {role}");
        var address = new NpgsqlConnectionStringBuilder(own.Store.ConnectionString) { Username = role };
        await using var support = await new NpgsqlDataSourceBuilder($"{address};Pooling=false").Build()
            .OpenConnectionAsync(TestContext.Current.CancellationToken);
        var epoch = await own.Store.ReadNumberAsync("select epoch from key_epoch");

        // Tables of the names that the functions use, in the schema that is searched first unless told otherwise.
        await RunAsync(
            $"""
            create function pg_temp.attack() returns trigger language plpgsql as
            $$ begin execute 'alter role {role} superuser'; return new; end $$;
            create temporary table key_epoch (id integer default 1, epoch bigint, stamp text);
            create temporary table key_changes (epoch bigint, user_id uuid, at timestamptz, stamp text);
            create temporary table api_keys (id uuid, user_id uuid);
            create temporary table profiles (id uuid);
            insert into key_epoch (epoch) values (1);
            create trigger attack before update on key_epoch for each row execute function pg_temp.attack();
            create trigger attack before insert on key_changes for each row execute function pg_temp.attack();
            update public.api_keys set revoked_at = now() where user_id = '{account.UserId}';
            """);
        string[] functions =
            ["api_keys_were_updated", "api_keys_were_deleted", "profiles_were_updated", "profiles_were_deleted", "all_keys_were_deleted"];
        foreach (var function in functions)
        {
            (await RefusalAsync($"create trigger mine after truncate on pg_temp.key_epoch execute function public.{function}()"))
                .ShouldBe(PostgresErrorCodes.InsufficientPrivilege);
        }

        (await RefusalAsync("select public.log_key_changes(null)")).ShouldBe(PostgresErrorCodes.InsufficientPrivilege);
        (await own.Store.ReadSqlAsync($"select rolsuper from pg_roles where rolname = '{role}'")).ShouldBe(false);
        (await own.Store.ReadNumberAsync("select epoch from key_epoch")).ShouldBe(epoch + 1);
        await Eventually.IsTrueAsync(
            async () => (await account.Key.GetAsync("/me")).Status == 401, cancellationToken: TestContext.Current.CancellationToken);

        async Task RunAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, support);
            await command.ExecuteNonQueryAsync();
        }

        async Task<string> RefusalAsync(string sql) => (await Should.ThrowAsync<PostgresException>(() => RunAsync(sql))).SqlState;
    }

    [Fact]
    public async Task Every_function_that_runs_as_its_owner_searches_its_schema_first_and_temporary_tables_last()
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Postgres, servers.Postgres);

        (await own.Store.ReadNumberAsync(
            "select count(*) from pg_proc where pronamespace = 'public'::regnamespace and prosecdef")).ShouldBeGreaterThan(0);
        (await own.Store.ReadNumberAsync(
            """
            select count(*) from pg_proc
            where pronamespace = 'public'::regnamespace and prosecdef and not ('search_path=public, pg_temp' = any (proconfig))
            """)).ShouldBe(0);
    }
}
