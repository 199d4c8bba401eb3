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

    /// <returns>Sorted by name, except that accounts come first, to which others refer.</returns>
    public static async Task<IReadOnlyList<StoredTable>> ReadAsync(
        DbConnection connection, DbTransaction transaction, CancellationToken cancellationToken)
    {
        var columns = new List<(string Table, StoredColumn Column, long Place)>();
        await using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = connection is NpgsqlConnection ? Postgres : Sqlite;
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                var type = reader.GetString(2);
                columns.Add((
                    reader.GetString(0),
                    new StoredColumn(reader.GetString(1), TypeOf(type), IsSmall: type == "integer"),
                    reader.GetInt64(3)));
            }
        }
        return
        [
            .. from column in columns
               where !LeftOut.Contains(column.Table)
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
    }

    private static StoredType TypeOf(string type) => type switch
    {
        "text" => StoredType.Text,
        "integer" or "bigint" => StoredType.Integer,
        "blob" or "bytea" => StoredType.Bytes,
        "boolean" => StoredType.Boolean,
        "timestamp with time zone" => StoredType.Instant,
        "json" or "jsonb" => StoredType.Json,
        "uuid" => StoredType.Uuid,
        _ => throw new InvalidOperationException($"A backup knows no columns of the type {type}."),
    };
}
