using PyResolve.Server.Storage;

namespace PyResolve.Server.Imports;

/// <summary>Why a project's tables cannot be taken over in place, or given back, each with what to do.</summary>
internal static class ImportObstacles
{
    public const string NoTables = "There is no table profiles as the billing guide makes it. Name the project's database.";

    /// <summary>Of the guide: an import gives them another place.</summary>
    private static readonly string[] Taken = ["profiles", "api_keys", "usage_events", "monthly_usage"];

    /// <summary>Also where nothing is changed in the project's database.</summary>
    public static IReadOnlyList<string> OfTables(ProjectTables? tables) => tables switch
    {
        null => [NoTables],
        { Missing.Count: > 0 } =>
        [
            $"The tables are not those of the billing guide. Missing: {string.Join(", ", tables.Missing)}. "
                + "Add these columns, or name the project's database in DATABASE_URL.",
        ],
        { Mistyped.Count: > 0 } =>
        [
            $"The tables are not those of the billing guide: {string.Join(", ", tables.Mistyped)}. "
                + "Change the types of these columns, or name the project's database in DATABASE_URL.",
        ],
        { Hidden.Count: > 0 } =>
            [$"Row level security hides rows of {string.Join(", ", tables.Hidden)} from this role. Name the role that owns the tables."],
        _ => [],
    };

    /// <param name="session">In the project's database.</param>
    /// <param name="tables">null: there are none.</param>
    /// <param name="schema">What the server makes.</param>
    public static async Task<IReadOnlyList<string>> FindAsync(
        Session session, ProjectTables? tables, SchemaMigrator schema, CancellationToken cancellationToken)
    {
        if (OfTables(tables) is [_, ..] unusable)
            return unusable;
        return
        [
            .. await FindNamesAsync(session, schema, cancellationToken),
            .. await FindDependentsAsync(session, Taken, cancellationToken),
        ];
    }

    /// <summary>What is not the server's, and refers to its tables. Whoever made it since the import decides about it.</summary>
    public static async Task<IReadOnlyList<string>> OfTakingBackAsync(
        Session session, SchemaMigrator schema, CancellationToken cancellationToken) =>
    [
        .. await FindDependentsAsync(session, schema.TableNames, cancellationToken),
        .. await session.ListAsync(
            $"""
            select distinct 'The function ' || d.objid::regprocedure || ' takes or returns a row of ' || c.oid::regclass
                   || '. Drop it first, and create it again afterwards.'
            from {session.Rows("t", schema.TableNames).With("name", static name => name)}
            join pg_class c on c.relname = t.name and c.relnamespace = current_schema()::regnamespace
            join pg_type y on c.reltype in (y.oid, y.typelem)
            join pg_depend d on d.refclassid = 'pg_type'::regclass and d.refobjid = y.oid and d.classid = 'pg_proc'::regclass
            """,
            static row => row.Text(0),
            cancellationToken),
    ];

    private static Task<List<string>> FindNamesAsync(Session session, SchemaMigrator schema, CancellationToken cancellationToken) =>
        session.ListAsync(
            $"""
            select 'The server makes a table ' || c.relname || ', and there is one already. '
                   || 'Rename it first: alter table ' || c.oid::regclass || ' rename to …'
            from {session.Rows("o", schema.TableNames).With("name", static name => name)}
            join pg_class c on c.relname = o.name and c.relnamespace = current_schema()::regnamespace
            where c.relname not in ('profiles', 'api_keys', 'usage_events', 'monthly_usage')
            union all
            select 'The server makes a function ' || p.proname || ', and there is one already. '
                   || 'Rename it first: alter function ' || p.oid::regprocedure || ' rename to …'
            from {session.Rows("f", schema.FunctionNames).With("name", static name => name)}
            join pg_proc p on p.proname = f.name and p.pronamespace = current_schema()::regnamespace
            where p.proname not in ('handle_new_user', 'create_api_key', 'validate_api_key', 'get_current_usage')
              and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
            union all
            select 'The trigger ' || g.tgname || ' on auth.users makes a profile too, and would fail beside the server''s. '
                   || 'Drop it first: drop trigger ' || quote_ident(g.tgname) || ' on auth.users'
            from pg_trigger g
            join pg_proc f on f.oid = g.tgfoid
            where g.tgrelid = to_regclass('auth.users') and not g.tgisinternal and g.tgname <> 'on_auth_user_created'
              and f.prosrc ~ 'profiles'
            union all
            select 'The server makes a trigger ' || g.tgname || ' on auth.users, and there is another one of that name, which calls '
                   || g.tgfoid::regproc || '. Create that one again with another name first, and drop this one.'
            from pg_trigger g
            join pg_proc f on f.oid = g.tgfoid
            where g.tgrelid = to_regclass('auth.users') and not g.tgisinternal and f.prosrc !~ 'profiles'
              and g.tgname in ('on_auth_user_created', 'on_auth_user_changed')
            union all
            select 'The schema ' || nspname || ' exists already. Drop or rename it first.'
            from pg_namespace
            where nspname = {ProjectTables.KeptSchema}
            """,
            static row => row.Text(0),
            cancellationToken);

    /// <summary>Foreign keys, views and policies of others that refer to these tables.</summary>
    private static Task<List<string>> FindDependentsAsync(
        Session session, IReadOnlyList<string> names, CancellationToken cancellationToken) => session.ListAsync(
        $"""
        with taken as (
            select c.oid, quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name
            from {session.Rows("t", names).With("name", static name => name)}
            join pg_class c on c.relname = t.name and c.relkind in ('r', 'p', 'v', 'm')
            join pg_namespace n on n.oid = c.relnamespace and n.nspname = current_schema())
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
        where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass and v.oid not in (select oid from taken)
        union all
        select distinct 'The policy ' || quote_ident(y.polname) || ' on ' || y.polrelid::regclass || ' reads ' || t.name
               || '. Drop it first, and create it again afterwards.'
        from pg_depend d
        join taken t on t.oid = d.refobjid
        join pg_policy y on y.oid = d.objid and y.polrelid not in (select oid from taken)
        where d.classid = 'pg_policy'::regclass and d.refclassid = 'pg_class'::regclass
        """,
        static row => row.Text(0),
        cancellationToken);
}
