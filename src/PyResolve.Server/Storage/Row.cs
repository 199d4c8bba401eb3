using System.Data.Common;

namespace PyResolve.Server.Storage;

internal readonly struct Row(DbDataReader reader, Engine engine)
{
    public string Text(int column) => reader.GetString(column);

    public string? TextOrNull(int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    public long Int64(int column) => reader.GetInt64(column);

    public long? Int64OrNull(int column) => reader.IsDBNull(column) ? null : reader.GetInt64(column);

    public int Int32(int column) => reader.GetInt32(column);

    public int? Int32OrNull(int column) => reader.IsDBNull(column) ? null : reader.GetInt32(column);

    public bool Boolean(int column) => reader.GetBoolean(column);

    public Guid Uuid(int column) => reader.GetGuid(column);

    public Guid? UuidOrNull(int column) => reader.IsDBNull(column) ? null : reader.GetGuid(column);

    public DateTimeOffset Instant(int column) => engine.ReadInstant(reader, column);

    public DateTimeOffset? InstantOrNull(int column) => reader.IsDBNull(column) ? null : engine.ReadInstant(reader, column);

    public byte[]? BytesOrNull(int column) => reader.IsDBNull(column) ? null : reader.GetFieldValue<byte[]>(column);
}
