using System.Data.Common;
using Npgsql;

namespace PyResolve.Server.Backups;

/// <summary>The tables of a store, as its own catalogue describes them.</summary>
internal static class TableCatalog
{
    private const string Sqlite = """
        select t.name, c.name, lower(c.type), c.pk
        from pragma_table_list t
        join pragma_table_info(t.name) c
        where t.schema = 'main' and t.type = 'table' and t.name not like 'sqlite\_%' escape '\'
        """;

    private const string Postgres = """
        select t.relname::text, a.attname::text, format_type(a.atttypid, null),
               coalesce((select array_position(k.conkey, a.attnum)
                         from pg_constraint k where k.conrelid = t.oid and k.contype = 'p'), 0)::bigint
        from pg_class t
        join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
        where t.relnamespace = current_schema()::regnamespace and t.relkind in ('r', 'p')
        """;

    /// <summary>What every server makes again, or remembers for itself alone.</summary>
    private static readonly HashSet<string> LeftOut = new(StringComparer.Ordinal)
    {
        "schema_versions", "key_epoch", "key_changes", "write_checks", "store_history", "store_losses",
    };

    /// <param name="connection">To the store.</param>
    /// <param name="transaction">What it sees.</param>
    /// <param name="known">The server's own tables. Other applications may have theirs beside them.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <returns>
    /// <c>Own</c>: sorted by name, except that accounts come first, to which others refer. <c>Others</c>: the names of all other tables.
    /// </returns>
    /// <exception cref="BackupException">A table of the server has a column of a type that it never makes.</exception>
    public static async Task<(IReadOnlyList<StoredTable> Own, IReadOnlyList<string> Others)> ReadAsync(
        DbConnection connection, DbTransaction transaction, IReadOnlyList<string> known, CancellationToken cancellationToken)
    {
        var names = known.ToHashSet(StringComparer.Ordinal);
        var others = new SortedSet<string>(StringComparer.Ordinal);
        var columns = new List<(string Table, StoredColumn Column, long Place)>();
        await using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = connection is NpgsqlConnection ? Postgres : Sqlite;
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                var (table, column, type) = (reader.GetString(0), reader.GetString(1), reader.GetString(2));
                if (!names.Contains(table))
                    others.Add(table);
                else if (!LeftOut.Contains(table))
                    columns.Add((table, new StoredColumn(column, TypeOf(table, column, type), type == "integer"), reader.GetInt64(3)));
            }
        }
        StoredTable[] own =
        [
            .. from column in columns
               group column by column.Table into table
               orderby table.Key != "profiles", table.Key
               select new StoredTable(
                   table.Key,
                   [.. table.Select(static column => column.Column).OrderBy(static column => column.Name, StringComparer.Ordinal)],
                   [
                       .. table.Where(static column => column.Place > 0).OrderBy(static column => column.Place)
                           .Select(static column => column.Column),
                   ]),
        ];
        return (own, [.. others]);
    }

    private static StoredType TypeOf(string table, string column, string type) => type switch
    {
        "text" => StoredType.Text,
        "integer" or "bigint" => StoredType.Integer,
        "blob" or "bytea" => StoredType.Bytes,
        "boolean" => StoredType.Boolean,
        "timestamp with time zone" => StoredType.Instant,
        "json" or "jsonb" => StoredType.Json,
        "uuid" => StoredType.Uuid,
        _ => throw new BackupException(
            $"The column {table}.{column} has the type {type}, which no column of this server has. If it was added by hand, remove it; "
            + "if a newer release made it, use that release."),
    };
}
