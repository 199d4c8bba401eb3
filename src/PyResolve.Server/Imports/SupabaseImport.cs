using Npgsql;
using PyResolve.Server.Access;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Imports;

/// <summary>
/// Takes over a project that followed the billing guide for Supabase: in place, in one transaction that gives the project's tables another
/// schema, or by copying them from another server, where nothing changes.
/// </summary>
internal sealed class SupabaseImport(
    Database database, SchemaMigrator schema, SchemaTakeover takeover, ImportFindings findings, TimeProvider time)
{
    public const string LockTimeout = "10s";

    public bool IsOnPostgres => database.Engine is PostgresEngine;

    /// <summary>Changes and locks nothing.</summary>
    public Task<ImportPlan> InspectAsync(CancellationToken cancellationToken) => database.ReadAsync(
        async session =>
        {
            session.TimeLimit = TimeSpan.Zero;
            var isDone = await SchemaMigrator.HasSchemaAsync(session, cancellationToken);
            var tables = await ProjectTables.FindAsync(session, isDone ? ProjectTables.KeptSchema : null, cancellationToken);
            return await InspectAsync(session, tables, isDone, cancellationToken);
        },
        cancellationToken);

    /// <param name="progress">Told which table is written.</param>
    /// <param name="cancellationToken">Takes everything back.</param>
    /// <exception cref="StoreUnavailableException">Somebody else used the tables all the time.</exception>
    public async Task<ImportOutcome> TakeOverAsync(Action<string> progress, CancellationToken cancellationToken)
    {
        var lockedAt = 0L;
        var rows = await takeover.TakeOverAsync(
            async session =>
            {
                await LockAsync(session, cancellationToken);
                lockedAt = time.GetTimestamp();
                await MoveAwayAsync(session, cancellationToken);
            },
            async session =>
            {
                var tables = await ProjectTables.FindAsync(session, ProjectTables.KeptSchema, cancellationToken);
                return await ProjectRows.WriteAsync(session, tables!, progress, cancellationToken);
            },
            cancellationToken);
        var locked = time.GetElapsedTime(lockedAt);
        return new ImportOutcome(rows, locked, await EmailKeys.ResolveAsync(database, cancellationToken));
    }

    /// <summary>As <see cref="InspectAsync(CancellationToken)"/>, of another server.</summary>
    public async Task<ImportPlan> InspectAsync(Database source, CancellationToken cancellationToken) => await source.ReadAsync(
        async session =>
        {
            session.TimeLimit = TimeSpan.Zero;
            var tables = await ProjectTables.FindAsync(session, schema: null, cancellationToken);
            var plan = await InspectAsync(session, tables, isDone: false, cancellationToken);
            return plan with { Locks = [], Obstacles = ImportObstacles.OfTables(tables) };
        },
        cancellationToken);

    /// <summary>Copies what is at another server, as it is at one instant, and adds what is not here yet.</summary>
    /// <param name="source">The other server.</param>
    /// <param name="progress">Told which table is copied or written.</param>
    /// <param name="cancellationToken">Takes everything back.</param>
    public async Task<ImportOutcome> CopyAsync(Database source, Action<string> progress, CancellationToken cancellationToken)
    {
        await schema.ApplyAsync(cancellationToken);
        if (database.Engine.IsDistributed)
        {
            throw new SchemaIncompatibleException(
                "Nothing was copied. The ledger of this database is distributed already: copy into one that is not yet, and distribute it "
                + "afterwards, with migrate-schema --distribute.");
        }

        ImportedRows rows;
        await using (var from = await source.Engine.OpenWriterAsync(node: null, cancellationToken))
        await using (var to = await database.Engine.OpenWriterAsync(node: null, cancellationToken))
        {
            var reading = new Session(source.Engine, from.Connection, from.Transaction);
            var writing = new Session(database.Engine, to.Connection, to.Transaction);
            // All tables as of one instant.
            await reading.ExecuteAsync($"set transaction isolation level repeatable read, read only", cancellationToken);
            foreach (var session in new[] { reading, writing })
                await session.LiftTimeLimitsAsync(cancellationToken);
            var tables = await ProjectTables.FindAsync(reading, schema: null, cancellationToken)
                ?? throw new SchemaIncompatibleException(ImportObstacles.NoTables);
            foreach (var (table, selected) in tables.All)
            {
                progress($"a copy of {table}");
                await writing.ExecuteScriptAsync(
                    $"create temporary table {StageName(table)} ({ProjectTables.Definition(table)}) on commit drop", cancellationToken);
                await CopyAsync(from, selected.Text!, to, StageName(table), cancellationToken);
                await writing.ExecuteScriptAsync($"analyze {StageName(table)}", cancellationToken);
            }

            rows = await ProjectRows.WriteAsync(writing, ProjectTables.Staged(StageName), progress, cancellationToken);
            await to.Transaction.CommitAsync(CancellationToken.None);
            if (to.CommitIsUncertain)
                throw new CommitUncertainException();
        }

        return new ImportOutcome(rows, TimeSpan.Zero, await EmailKeys.ResolveAsync(database, cancellationToken));
    }

    private async Task<ImportPlan> InspectAsync(
        Session session, ProjectTables? tables, bool isDone, CancellationToken cancellationToken)
    {
        var here = await session.FirstAsync(
            $"select quote_ident(current_schema())", static row => row.TextOrNull(0) ?? "public", cancellationToken);
        var isUnusable = ImportObstacles.OfTables(tables).Count > 0;
        return new ImportPlan
        {
            IsDone = isDone,
            Obstacles = isDone ? [] : await ImportObstacles.FindAsync(session, tables, schema, cancellationToken),
            Rows = tables is null || isUnusable ? new ImportedRows(0, 0, 0) : new ImportedRows(
                await CountAsync(session, tables.ProfileRows, cancellationToken),
                await CountAsync(session, tables.KeyRows, cancellationToken),
                await CountAsync(session, tables.EventRows, cancellationToken)),
            Findings = isUnusable ? [] : await findings.ReadAsync(session, tables!, cancellationToken),
            UnknownColumns = tables?.Unknown ?? [],
            Locks = isDone ? [] : await session.ListAsync(
                $"""
                select n.nspname::text || '.' || c.relname
                from pg_class c
                join pg_namespace n on n.oid = c.relnamespace
                where c.relkind in ('r', 'p')
                  and ((n.nspname = current_schema() and c.relname in ('profiles', 'api_keys', 'usage_events'))
                    or (n.nspname = 'auth' and c.relname = 'users'))
                order by 1
                """,
                static row => row.Text(0),
                cancellationToken),
            Schema = here!,
            Extensions = await session.ListAsync(
                $"select extname::text from pg_extension where extnamespace = current_schema()::regnamespace order by 1",
                static row => row.Text(0),
                cancellationToken),
        };
    }

    private static async Task<long> CountAsync(Session session, SqlFragment rows, CancellationToken cancellationToken) =>
        await session.NumberAsync($"select count(*) from {rows} r", cancellationToken) ?? 0;

    /// <summary>Locks in the order in which a sign-up and the guide's functions do, so that none deadlock.</summary>
    private static async Task LockAsync(Session session, CancellationToken cancellationToken)
    {
        try
        {
            await session.ExecuteScriptAsync(
                """
                do $$
                declare
                    ours text;
                begin
                    perform set_config('lock_timeout', '{TIMEOUT}', true);
                    if to_regclass('auth.users') is not null and has_table_privilege('auth.users', 'update') then
                        lock table auth.users in access exclusive mode;
                    end if;
                    foreach ours in array array['api_keys', 'usage_events', 'profiles'] loop
                        if to_regclass(format('%I.%I', current_schema(), ours)) is not null then
                            execute format('lock table %I.%I in access exclusive mode', current_schema(), ours);
                        end if;
                    end loop;
                end $$;
                """.Replace("{TIMEOUT}", LockTimeout, StringComparison.Ordinal),
                cancellationToken);
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            throw new StoreUnavailableException(
                $"Nothing was changed: somebody used the tables for longer than {LockTimeout}. Stop what runs there, or try again.",
                exception);
        }
    }

    private async Task MoveAwayAsync(Session session, CancellationToken cancellationToken)
    {
        // Between the look and the lock somebody may have changed something.
        var tables = await ProjectTables.FindAsync(session, schema: null, cancellationToken);
        var obstacles = await ImportObstacles.FindAsync(session, tables, schema, cancellationToken);
        if (obstacles is [var first, ..])
            throw new SchemaIncompatibleException(first);
        await session.ExecuteScriptAsync(
            """
            do $$
            declare
                ours text;
                path text := current_setting('search_path');
            begin
                create schema {KEPT};
                create table {KEPT}.{TRIGGERS} (definition text not null);
                -- With the schema of each name, whoever runs it.
                perform set_config('search_path', '', true);
                insert into {KEPT}.{TRIGGERS}
                select pg_get_triggerdef(t.oid)
                from pg_trigger t
                where t.tgrelid = to_regclass('auth.users') and t.tgname in ('on_auth_user_created', 'on_auth_user_changed');
                perform set_config('search_path', path, true);
                foreach ours in array array['monthly_usage', 'usage_events', 'api_keys', 'profiles'] loop
                    if to_regclass(format('%I.%I', current_schema(), ours)) is not null then
                        execute format('alter table %I.%I set schema {KEPT}', current_schema(), ours);
                    end if;
                end loop;
                for ours in
                    select p.oid::regprocedure::text from pg_proc p
                    where p.pronamespace = current_schema()::regnamespace and p.proname = any ('{FUNCTIONS}'::text[])
                loop
                    execute format('alter function %s set schema {KEPT}', ours);
                end loop;
            end $$;
            """
                .Replace("{KEPT}", ProjectTables.KeptSchema, StringComparison.Ordinal)
                .Replace("{TRIGGERS}", ProjectTables.KeptTriggers, StringComparison.Ordinal)
                .Replace("{FUNCTIONS}", $"{{{string.Join(',', ProjectTables.Functions)}}}", StringComparison.Ordinal),
            cancellationToken);
    }

    /// <summary>The rows go through as the two servers write them, unread.</summary>
    private static async Task CopyAsync(Writer from, string rows, Writer to, string stage, CancellationToken cancellationToken)
    {
        await using var source = await ((NpgsqlConnection)from.Connection).BeginRawBinaryCopyAsync(
            $"copy (select * from {rows} r) to stdout (format binary)", cancellationToken);
        await using var target = await ((NpgsqlConnection)to.Connection).BeginRawBinaryCopyAsync(
            $"copy {stage} from stdin (format binary)", cancellationToken);
        await source.CopyToAsync(target, cancellationToken);
    }

    private static string StageName(string table) => $"imported_{table}";
}
