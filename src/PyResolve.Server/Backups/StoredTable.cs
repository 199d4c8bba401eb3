namespace PyResolve.Server.Backups;

/// <summary>A table, in what both engines have of it.</summary>
/// <param name="Name">The table.</param>
/// <param name="Columns">Sorted by name.</param>
/// <param name="Key">The columns of its primary key, in order.</param>
internal sealed record StoredTable(string Name, IReadOnlyList<StoredColumn> Columns, IReadOnlyList<StoredColumn> Key)
{
    public string ColumnList => string.Join(", ", Columns.Select(static column => column.Name));
}

/// <param name="IsSmall">An integer of 32 bits, on PostgreSQL.</param>
internal sealed record StoredColumn(string Name, StoredType Type, bool IsSmall = false);

/// <summary>In a backup ids and texts are strings, bytes are strings in base64, instants are UTC microseconds, and booleans 0 or 1.
/// </summary>
internal enum StoredType
{
    Text,
    Integer,
    Bytes,

    // The types that only PostgreSQL has.
    Boolean,
    Instant,
    Json,
    Uuid,
}
