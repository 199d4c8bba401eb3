using PyResolve.Server.Storage;

namespace PyResolve.Server.Imports;

/// <summary>Why a project's tables cannot be taken over in place, each with what to do.</summary>
internal static class ImportObstacles
{
    public const string NoTables = "There is no table profiles as the billing guide makes it. Name the project's database.";

    /// <summary>Also where nothing is changed in the project's database.</summary>
    public static IReadOnlyList<string> OfTables(ProjectTables? tables) => tables switch
    {
        null => [NoTables],
        { Missing.Count: > 0 } => 
        [
            $"The tables are not those of the billing guide. Missing: {string.Join(", ", tables.Missing)}. "
                + "Add these columns, or name the project's database in DATABASE_URL.",
        ],
        { Hidden.Count: > 0 } =>
            [$"Row level security hides rows of {string.Join(", ", tables.Hidden)} from this role. Name the role that owns the tables."],
        _ => [],
    };

    /// <param name="session">In the project's database.</param>
    /// <param name="tables">null: there are none.</param>
    /// <param name="ours">The tables and views that the server makes.</param>
    /// <param name="cancellationToken">Abandons it.</param>
    public static async Task<IReadOnlyList<string>> FindAsync(
        Session session, ProjectTables? tables, IReadOnlyList<string> ours, CancellationToken cancellationToken)
    {
        if (OfTables(tables) is [_, ..] unusable)
            return unusable;
        return await session.ListAsync(
            $"""
            with project as (
                select c.oid, c.relname, c.relkind, quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name
                from pg_class c
                join pg_namespace n on n.oid = c.relnamespace
                where n.nspname = current_schema()),
            taken as (
                select * from project where relname in ('profiles', 'api_keys', 'usage_events') and relkind in ('r', 'p'))
            select 'The server makes a table ' || p.relname || ', and there is one already. '
                   || 'Rename it first: alter table ' || p.name || ' rename to …'
            from project p
            join {session.Rows("o", ours).With("name", static name => name)} on o.name = p.relname
            where p.relname not in ('profiles', 'api_keys', 'usage_events', 'monthly_usage')
            union all
            select 'The table ' || k.conrelid::regclass || ' refers to ' || t.name || '. Drop that first, and add it again afterwards: '
                   || 'alter table ' || k.conrelid::regclass || ' drop constraint ' || quote_ident(k.conname)
            from pg_constraint k
            join taken t on t.oid = k.confrelid
            where k.contype = 'f' and k.conrelid not in (select oid from taken)
            union all
            select distinct 'The view ' || v.oid::regclass || ' reads ' || t.name || '. Drop it first, and create it again afterwards.'
            from pg_depend d
            join taken t on t.oid = d.refobjid
            join pg_rewrite r on r.oid = d.objid
            join pg_class v on v.oid = r.ev_class
            where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass
              and v.oid not in (select oid from project where relname = 'monthly_usage')
            union all
            select distinct 'The policy ' || quote_ident(y.polname) || ' on ' || y.polrelid::regclass || ' reads ' || t.name
                   || '. Drop it first, and create it again afterwards.'
            from pg_depend d
            join taken t on t.oid = d.refobjid
            join pg_policy y on y.oid = d.objid and y.polrelid not in (select oid from taken)
            where d.classid = 'pg_policy'::regclass and d.refclassid = 'pg_class'::regclass
            union all
            select 'The trigger ' || g.tgname || ' on auth.users makes a profile too, and would fail beside the server''s. '
                   || 'Drop it first: drop trigger ' || quote_ident(g.tgname) || ' on auth.users'
            from pg_trigger g
            join pg_proc f on f.oid = g.tgfoid
            where g.tgrelid = to_regclass('auth.users') and not g.tgisinternal and g.tgname <> 'on_auth_user_created'
              and f.prosrc ~ 'profiles'
            union all
            select 'The schema ' || nspname || ' exists already. Drop or rename it first.'
            from pg_namespace
            where nspname = {ProjectTables.KeptSchema}
            """,
            static row => row.Text(0),
            cancellationToken);
    }
}
