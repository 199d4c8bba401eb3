using PyResolve.Server.Storage;

namespace PyResolve.Server.Imports;

/// <summary>
/// The tables of a project that followed the billing guide for Supabase, each as a select of the guide's columns and types: a column that
/// the project lacks is null.
/// </summary>
internal sealed record ProjectTables
{
    /// <summary>Where an import leaves the project's own tables.</summary>
    public const string KeptSchema = "before_pyresolve";

    /// <summary>In that schema: the definitions of the triggers whose place the server's take.</summary>
    public const string KeptTriggers = "dropped_triggers";

    public const string Profiles = "profiles";
    public const string Keys = "api_keys";
    public const string Events = "usage_events";

    /// <summary>Of the functions that the guide makes. The server's own take their place.</summary>
    public static readonly string[] Functions = ["handle_new_user", "create_api_key", "validate_api_key", "get_current_usage"];

    private static readonly TableForm[] Forms =
    [
        new(Profiles, ["id", "email"],
            [("id", "uuid"), ("email", "text"), ("name", "text"), ("plan", "text"), ("stripe_customer_id", "text"),
             ("created_at", "timestamptz"), ("updated_at", "timestamptz")]),
        new(Keys, ["id", "user_id", "key_hash", "key_prefix"],
            [("id", "uuid"), ("user_id", "uuid"), ("key_hash", "text"), ("key_prefix", "text"), ("name", "text"),
             ("last_used_at", "timestamptz"), ("created_at", "timestamptz"), ("expires_at", "timestamptz"), ("revoked_at", "timestamptz")]),
        new(Events, ["id", "user_id", "event_type", "created_at"],
            [("id", "uuid"), ("user_id", "uuid"), ("event_type", "text"), ("library", "text"), ("tier", "text"),
             ("files_changed", "bigint"), ("tokens_used", "bigint"), ("metadata", "jsonb"), ("created_at", "timestamptz")]),
        new(Users, [],
            [("id", "uuid"), ("email", "text"), ("email_confirmed_at", "timestamptz"), ("confirmation_sent_at", "timestamptz"),
             ("invited_at", "timestamptz")]),
    ];

    private const string Users = "users";

    /// <summary>Of the users of Supabase Auth; empty where the role may not read them.</summary>
    public required SqlFragment UserRows { get; init; }

    public required SqlFragment ProfileRows { get; init; }

    public required SqlFragment KeyRows { get; init; }

    public required SqlFragment EventRows { get; init; }

    /// <summary>What the guide's tables must have and these lack.</summary>
    public required IReadOnlyList<string> Missing { get; init; }

    /// <summary>Columns of a type that cannot be taken over.</summary>
    public required IReadOnlyList<string> Mistyped { get; init; }

    /// <summary>The project's tables, with their schema, quoted.</summary>
    public required IReadOnlyList<string> Places { get; init; }

    /// <summary>Tables whose rows row level security hides from the role.</summary>
    public required IReadOnlyList<string> Hidden { get; init; }

    /// <summary>Columns that the guide's tables do not have.</summary>
    public required IReadOnlyList<string> Unknown { get; init; }

    public IEnumerable<(string Table, SqlFragment Rows)> All =>
        [(Profiles, ProfileRows), (Keys, KeyRows), (Events, EventRows), (Users, UserRows)];

    /// <param name="session">Where they are.</param>
    /// <param name="schema">null: the schema in which the session makes tables.</param>
    /// <returns>null: there is no table of profiles.</returns>
    public static async Task<ProjectTables?> FindAsync(Session session, string? schema, CancellationToken cancellationToken)
    {
        var columns = await session.ListAsync(
            $"""
            select c.relname::text, quote_ident(n.nspname) || '.' || quote_ident(c.relname), a.attname::text, format_type(a.atttypid, null),
                   row_security_active(c.oid)
            from pg_class c
            join pg_namespace n on n.oid = c.relnamespace
            join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            where c.relkind in ('r', 'p')
              and ((n.nspname = coalesce({schema}, current_schema()) and c.relname in ('profiles', 'api_keys', 'usage_events'))
                or (n.nspname = 'auth' and c.relname = 'users' and has_schema_privilege(n.oid, 'usage')
                    and has_table_privilege(c.oid, 'select')))
            """,
            static row => new FoundColumn(row.Text(0), row.Text(1), row.Text(2), row.Text(3), row.Boolean(4)),
            cancellationToken);
        return columns.Exists(static column => column.Table == Profiles) ? From(columns) : null;
    }

    /// <summary>The columns of a table, as an import stages it.</summary>
    public static string Definition(string table) =>
        string.Join(", ", FormOf(table).Columns.Select(static column => $"{column.Name} {column.Type}"));

    /// <summary>The same tables, staged under these names.</summary>
    public static ProjectTables Staged(Func<string, string> nameOf) => new()
    {
        ProfileRows = new SqlFragment(nameOf(Profiles)),
        KeyRows = new SqlFragment(nameOf(Keys)),
        EventRows = new SqlFragment(nameOf(Events)),
        UserRows = new SqlFragment(nameOf(Users)),
        Missing = [],
        Mistyped = [],
        Places = [],
        Hidden = [],
        Unknown = [],
    };

    private static ProjectTables From(List<FoundColumn> columns) => new()
    {
        ProfileRows = Select(Profiles, columns),
        KeyRows = Select(Keys, columns),
        EventRows = Select(Events, columns),
        UserRows = Select(Users, columns),
        Missing =
        [
            .. from form in Forms
               where columns.Exists(column => column.Table == form.Table)
               from name in form.Required
               where !columns.Exists(column => column.Table == form.Table && column.Name == name)
               select $"{form.Table}.{name}",
        ],
        Mistyped =
        [
            .. from column in columns
               where column.Table != Users
               from known in FormOf(column.Table).Columns
               where known.Name == column.Name && !CanBecome(known.Type, column)
               select $"{column.Table}.{column.Name} is {column.Type}, not {known.Type}",
        ],
        Places = [.. columns.Where(static column => column.Table != Users).Select(static column => column.Place).Distinct()],
        Hidden = [.. columns.Where(static column => column.IsHidden).Select(static column => column.Place).Distinct()],
        Unknown =
        [
            .. from column in columns
               where column.Table != Users && !FormOf(column.Table).Columns.Any(known => known.Name == column.Name)
               select $"{column.Table}.{column.Name}",
        ],
    };

    private static bool CanBecome(string type, FoundColumn column) => type switch
    {
        "uuid" => column.Type is "uuid" or "text" or "character varying" || column is { Name: "id", Table: not Profiles },
        "timestamptz" => column.Type is "timestamp with time zone" or "timestamp without time zone" or "date" or "text"
            or "character varying",
        "bigint" => column.Type is "bigint" or "integer" or "smallint" or "numeric" or "double precision" or "real" or "text"
            or "character varying",
        "jsonb" => column.Type is "jsonb" or "json" or "text" or "character varying",
        _ => true,
    };

    private static SqlFragment Select(string table, List<FoundColumn> columns)
    {
        var found = columns.FindAll(column => column.Table == table);
        var values = FormOf(table).Columns.Select(column => found.Find(one => one.Name == column.Name) switch
        {
            null => $"cast(null as {column.Type}) as {column.Name}",
            // A number in the place of an id gives the same id each time.
            { Type: not "uuid" } other when column is { Name: "id", Type: "uuid" } && table != Profiles =>
                $"cast(md5('{table} ' || t.{other.Name}::text) as uuid) as id",
            { Name: var name } => $"cast(t.{name} as {column.Type}) as {column.Name}",
        });
        return new SqlFragment(found is [var first, ..]
            ? $"(select {string.Join(", ", values)} from {first.Place} t)"
            : $"(select {string.Join(", ", values)} where false)");
    }

    private static TableForm FormOf(string table) => Forms.Single(form => form.Table == table);

    private sealed record TableForm(string Table, string[] Required, (string Name, string Type)[] Columns);

    private sealed record FoundColumn(string Table, string Place, string Name, string Type, bool IsHidden);
}
