using System.Globalization;
using Microsoft.Data.Sqlite;
using Npgsql;
using NpgsqlTypes;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Backups;

/// <summary>Takes the rows of one table. Without <see cref="CompleteAsync"/> none is kept.</summary>
internal interface IRowSink : IAsyncDisposable
{
    ValueTask WriteAsync(object?[] values, CancellationToken cancellationToken);

    ValueTask CompleteAsync(CancellationToken cancellationToken);
}

internal sealed class PostgresRowSink(NpgsqlBinaryImporter importer, StoredTable table) : IRowSink
{
    private readonly NpgsqlDbType[] _types = [.. table.Columns.Select(static column => TypeOf(column))];

    public static async Task<IRowSink> BeginAsync(NpgsqlConnection connection, StoredTable table, CancellationToken cancellationToken)
    {
        var importer = await connection.BeginBinaryImportAsync(
            $"copy {table.Name} ({table.ColumnList}) from stdin (format binary)", cancellationToken);
        importer.Timeout = Timeout.InfiniteTimeSpan;
        return new PostgresRowSink(importer, table);
    }

    public async ValueTask WriteAsync(object?[] values, CancellationToken cancellationToken)
    {
        await importer.StartRowAsync(cancellationToken);
        for (var i = 0; i < values.Length; i++)
        {
            if (values[i] is null)
                await importer.WriteNullAsync(cancellationToken);
            else if (_types[i] == NpgsqlDbType.Integer)
                await importer.WriteAsync(checked((int)(long)values[i]!), NpgsqlDbType.Integer, cancellationToken);
            else
                await importer.WriteAsync(values[i]!, _types[i], cancellationToken);
        }
    }

    public async ValueTask CompleteAsync(CancellationToken cancellationToken) => await importer.CompleteAsync(cancellationToken);

    public ValueTask DisposeAsync() => importer.DisposeAsync();

    private static NpgsqlDbType TypeOf(StoredColumn column) => column.Type switch
    {
        StoredType.Text => NpgsqlDbType.Text,
        StoredType.Integer => column.IsSmall ? NpgsqlDbType.Integer : NpgsqlDbType.Bigint,
        StoredType.Bytes => NpgsqlDbType.Bytea,
        StoredType.Boolean => NpgsqlDbType.Boolean,
        StoredType.Instant => NpgsqlDbType.TimestampTz,
        StoredType.Json => NpgsqlDbType.Json,
        StoredType.Uuid => NpgsqlDbType.Uuid,
        _ => throw new ArgumentOutOfRangeException(nameof(column)),
    };
}

internal sealed class SqliteRowSink : IRowSink
{
    private readonly SqliteCommand _command;

    public SqliteRowSink(Writer writer, StoredTable table)
    {
        _command = (SqliteCommand)writer.Connection.CreateCommand();
        _command.Transaction = (SqliteTransaction)writer.Transaction;
        var parameters = table.Columns.Select(static (_, i) => string.Create(CultureInfo.InvariantCulture, $"$p{i}")).ToList();
#pragma warning disable CA2100 // Made of the names of the store's own tables and columns.
        _command.CommandText = $"insert into {table.Name} ({table.ColumnList}) values ({string.Join(", ", parameters)})";
#pragma warning restore CA2100
        foreach (var parameter in parameters)
            _command.Parameters.Add(new SqliteParameter { ParameterName = parameter });
    }

    public async ValueTask WriteAsync(object?[] values, CancellationToken cancellationToken)
    {
        for (var i = 0; i < values.Length; i++)
            _command.Parameters[i].Value = values[i] ?? DBNull.Value;
        await _command.ExecuteNonQueryAsync(cancellationToken);
    }

    public ValueTask CompleteAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _command.DisposeAsync();
}
