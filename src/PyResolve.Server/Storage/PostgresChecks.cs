using System.Globalization;

namespace PyResolve.Server.Storage;

/// <summary>Checks at start what PostgreSQL must be, and what the server's role must be allowed there.</summary>
internal static class PostgresChecks
{
    private const int OldestVersion = 15;

    /// <param name="session">In a transaction.</param>
    /// <param name="tables">Those that exist; none before the schema is made.</param>
    /// <param name="cancellationToken">Abandons the checks.</param>
    /// <exception cref="SchemaIncompatibleException">The message names the fix.</exception>
    public static async Task RunAsync(Session session, IReadOnlyList<string> tables, CancellationToken cancellationToken)
    {
        if (tables.Count == 0)
            await CheckDatabaseAsync(session, cancellationToken);
        else
            await CheckRightsAsync(session, tables, cancellationToken);
    }

    /// <summary>
    /// Checks before anything else that this is PostgreSQL: where locks or triggers are missing, what follows fails without a useful
    /// message.
    /// </summary>
    /// <exception cref="SchemaIncompatibleException">It is another product, which lacks what the server needs.</exception>
    public static async Task CheckProductAsync(Session session, CancellationToken cancellationToken)
    {
        var version = await session.FirstAsync($"select version()", static row => row.Text(0), cancellationToken);
        if (PostgresLookalikes.FindRefusal(version!) is { } refusal)
            throw new SchemaIncompatibleException(refusal);
    }

    private static async Task CheckDatabaseAsync(Session session, CancellationToken cancellationToken)
    {
        var database = (await session.FirstAsync(
            $"""
            select current_setting('server_version_num'), current_setting('server_encoding'), current_database()::text,
                   current_user::text, current_schema()::text, coalesce(has_schema_privilege(current_schema()::text, 'create'), false)
            """,
            static row => new
            {
                Number = int.Parse(row.Text(0), NumberStyles.None, CultureInfo.InvariantCulture) / 10_000,
                Encoding = row.Text(1),
                Name = row.Text(2),
                Role = row.Text(3),
                Schema = row.TextOrNull(4),
                MayCreate = row.Boolean(5),
            },
            cancellationToken))!;
        if (database.Number < OldestVersion)
        {
            throw new SchemaIncompatibleException(
                $"The database is PostgreSQL {database.Number}; the server needs {OldestVersion} or later.");
        }

        if (database.Encoding != "UTF8")
        {
            throw new SchemaIncompatibleException(
                $"The encoding of the database {database.Name} is {database.Encoding}, which cannot store every text. Create one "
                + "in UTF8, and name it in DATABASE_URL: "
                + $"create database {Quote(database.Name + "_utf8")} encoding 'UTF8' locale 'C' template template0;");
        }

        if (database.Schema is not { } schema)
        {
            throw new SchemaIncompatibleException(
                $"The role {database.Role} sees no schema in the database {database.Name}. As a superuser or the database's owner: "
                + $"grant usage, create on schema public to {Quote(database.Role)};");
        }

        if (!database.MayCreate)
        {
            throw new SchemaIncompatibleException(
                $"The role {database.Role} may not create tables in the schema {schema} of the database {database.Name}. As the schema's "
                + $"owner: grant usage, create on schema {Quote(schema)} to {Quote(database.Role)};");
        }

        await CitusSchema.ThrowOnWorkerAsync(session, cancellationToken);
    }

    private static async Task CheckRightsAsync(Session session, IReadOnlyList<string> tables, CancellationToken cancellationToken)
    {
        var lacking = await session.ListAsync(
            $"""
            select c.relname::text, current_user::text, pg_get_userbyid(c.relowner)::text, n.nspname::text, row_security_active(c.oid)
            from {session.Rows("t", tables).With("name", static name => name)}
            join pg_class c on c.relname = t.name and c.relkind in ('r', 'p')
            join pg_namespace n on n.oid = c.relnamespace and n.nspname = current_schema()
            where row_security_active(c.oid)
               or not has_table_privilege(c.oid, 'select')
               or (c.relname not in ('schema_versions', 'key_epoch', 'key_changes') and not has_table_privilege(c.oid, 'insert'))
               or (c.relname not in ('schema_versions', 'key_epoch', 'audit_log') and not has_table_privilege(c.oid, 'delete'))
               or (c.relname not in ('schema_versions', 'key_epoch', 'key_changes', 'audit_log')
                   and not has_table_privilege(c.oid, 'update'))
            order by 1
            """,
            static row => new
            {
                Table = row.Text(0),
                Role = row.Text(1),
                Owner = row.Text(2),
                Schema = row.Text(3),
                IsHidden = row.Boolean(4),
            },
            cancellationToken);
        if (lacking is not [var first, ..])
            return;
        var names = string.Join(", ", lacking.Take(3).Select(static table => table.Table)) + (lacking.Count > 3 ? ", …" : "");
        var (role, owner) = (first.Role, first.Owner);
        throw new SchemaIncompatibleException(first.IsHidden
            ? $"Row level security hides the rows of {lacking.Count} tables ({names}) from the role {role}. Use the role that owns them, "
                + $"{owner}, in DATABASE_URL, or as a superuser: alter role {Quote(role)} bypassrls;"
            : $"The role {role} lacks rights on {lacking.Count} tables ({names}). As their owner, {owner}: "
                + $"grant select, insert, update, delete on all tables in schema {Quote(first.Schema)} to {Quote(role)};");
    }

    private static string Quote(string identifier) => $"\"{identifier.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
