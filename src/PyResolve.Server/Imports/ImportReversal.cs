using Npgsql;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Imports;

/// <summary>
/// Takes an import in place back, in one transaction that touches only what the import did: the server's tables, functions and triggers
/// go, and the project's own, which the import kept in another schema, have their place again.
/// </summary>
internal sealed class ImportReversal(SchemaMigrator schema, SchemaTakeover takeover)
{
    private const string Script = """
        do $$
        declare
            here  text := current_schema();
            names text;
            one   text;
        begin
            perform set_config('lock_timeout', '{TIMEOUT}', true);
            for one in
                select format('drop trigger %I on auth.users', t.tgname)
                from pg_trigger t
                where t.tgrelid = to_regclass('auth.users') and t.tgname in ('on_auth_user_created', 'on_auth_user_changed')
            loop
                execute one;
            end loop;

            -- Without cascade: what others made on top of it is theirs. All of a kind at once, because they refer to each other.
            select string_agg(c.oid::regclass::text, ', ') into names
            from pg_class c
            where c.relnamespace = here::regnamespace and c.relname = any ('{TABLES}'::text[]) and c.relkind = 'v';
            execute 'drop view ' || names;
            select string_agg(c.oid::regclass::text, ', ') into names
            from pg_class c
            where c.relnamespace = here::regnamespace and c.relname = any ('{TABLES}'::text[]) and c.relkind in ('r', 'p');
            execute 'drop table ' || names;
            select string_agg(p.oid::regprocedure::text, ', ') into names
            from pg_proc p
            where p.pronamespace = here::regnamespace and p.proname = any ('{FUNCTIONS}'::text[])
              and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e');
            execute 'drop function ' || names;

            for one in
                select format('alter table %s set schema %I', c.oid::regclass, here)
                from pg_class c
                where c.relnamespace = '{KEPT}'::regnamespace and c.relkind in ('r', 'p', 'v', 'm') and c.relname <> '{TRIGGERS}'
                union all
                select format('alter function %s set schema %I', p.oid::regprocedure, here)
                from pg_proc p
                where p.pronamespace = '{KEPT}'::regnamespace
            loop
                execute one;
            end loop;
            for one in select definition from {KEPT}.{TRIGGERS} loop
                execute one;
            end loop;
            drop table {KEPT}.{TRIGGERS};
            drop schema {KEPT};
        end $$;
        """;

    private const string Nothing = "Nothing was changed.";

    /// <exception cref="SchemaIncompatibleException">
    /// Nothing was imported in place, or something depends on the server's tables.
    /// </exception>
    /// <exception cref="StoreUnavailableException">Somebody else used the tables all the time.</exception>
    public Task RunAsync(CancellationToken cancellationToken) => takeover.TakeBackAsync(
        async session =>
        {
            if (await ProjectTables.FindAsync(session, ProjectTables.KeptSchema, cancellationToken) is null)
            {
                throw new SchemaIncompatibleException(
                    $"{Nothing} There is no schema {ProjectTables.KeptSchema} with the project's own tables: either no project was taken "
                    + "over here, or the schema was dropped since. The dump that was made before has everything as it was.");
            }

            if (await ImportObstacles.OfTakingBackAsync(session, schema, cancellationToken) is [_, ..] obstacles)
                throw new SchemaIncompatibleException($"{Nothing} {string.Join('\n', obstacles)}");
            await RemoveAsync(session, cancellationToken);
        },
        cancellationToken);

    private async Task RemoveAsync(Session session, CancellationToken cancellationToken)
    {
        try
        {
            await session.ExecuteScriptAsync(
                Script
                    .Replace("{TIMEOUT}", SupabaseImport.LockTimeout, StringComparison.Ordinal)
                    .Replace("{KEPT}", ProjectTables.KeptSchema, StringComparison.Ordinal)
                    .Replace("{TRIGGERS}", ProjectTables.KeptTriggers, StringComparison.Ordinal)
                    .Replace("{TABLES}", Array(schema.TableNames), StringComparison.Ordinal)
                    .Replace("{FUNCTIONS}", Array(schema.FunctionNames), StringComparison.Ordinal),
                cancellationToken);
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            throw new StoreUnavailableException(
                $"{Nothing} Somebody used the tables for longer than {SupabaseImport.LockTimeout}. Stop the servers first.", exception);
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.DependentObjectsStillExist)
        {
            throw new SchemaIncompatibleException(
                $"{Nothing} Something that was made since the import needs what the server made: {exception.MessageText}. "
                + "Drop that first.");
        }
        catch (PostgresException exception)
            when (exception.SqlState is PostgresErrorCodes.DuplicateTable or PostgresErrorCodes.DuplicateFunction)
        {
            throw new SchemaIncompatibleException(
                $"{Nothing} Something was made since the import where the project's own has its place: {exception.MessageText}.");
        }
    }

    private static string Array(IReadOnlyList<string> names) => $"{{{string.Join(',', names)}}}";
}
