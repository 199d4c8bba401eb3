using System.Buffers;
using System.Data.Common;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace PyResolve.Server.Storage;

/// <summary>
/// The embedded engine: write-ahead log, synchronous FULL (which alone keeps the last transactions through a power cut), one writer at a
/// time. Ids are lower-case text, instants are UTC microseconds.
/// </summary>
internal sealed class SqliteEngine : Engine
{
    private const long TicksPerMicrosecond = TimeSpan.TicksPerMicrosecond;

    private static readonly TimeSpan MaxTransactionTime = TimeSpan.FromSeconds(5);

    private static readonly JsonWriterOptions JsonOptions =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    private readonly string _connectionString;
    private readonly SemaphoreSlim _writerTurn = new(1, 1);
    private SqliteConnection? _writer;

    public SqliteEngine(string file)
    {
        PrivateData.Protect(Path.GetFullPath(file));
        _connectionString = new SqliteConnectionStringBuilder
        {
            DataSource = file,
            // Seconds to wait for another process that writes, such as an operator's command beside a running server.
            DefaultTimeout = 5,
        }.ToString();
    }

    public override string Name => "sqlite";

    /// <summary>Nothing: there is one writer at a time already.</summary>
    public override SqlFragment ForUpdate => new("");

    public override SqlFragment ForUpdateSkippingLocked => new("");

    public override SqlFragment ByBytes => new("");

    public override SqlFragment DateOf(string column) => new($"date({column} / 1000000, 'unixepoch')");

    public override SqlFragment IdOf(string text) => new(text);

    public override async ValueTask<Reader> OpenReaderAsync(long? node, CancellationToken cancellationToken) =>
        new(await OpenAsync(cancellationToken), place: null);

    public override async ValueTask<Writer> OpenWriterAsync(long? node, CancellationToken cancellationToken)
    {
        await _writerTurn.WaitAsync(cancellationToken);
        var turn = new Turn(_writerTurn);
        try
        {
            _writer ??= await OpenAsync(cancellationToken);
            return new Writer(_writer, _writer.BeginTransaction(deferred: false), turn, ownsConnection: false);
        }
        catch
        {
            turn.Dispose();
            throw;
        }
    }

    public override void AddParameter(DbParameterCollection parameters, SqlParameter parameter)
    {
        object value = parameter switch
        {
            { Value: null } => DBNull.Value,
            { Type: SqlType.Uuid, Value: Guid id } => id.ToString("D"),
            { Type: SqlType.Instant, Value: DateTimeOffset instant } => ToMicroseconds(instant),
            { Type: SqlType.Boolean, Value: bool flag } => flag ? 1L : 0L,
            _ => parameter.Value,
        };
        parameters.Add(new SqliteParameter($"${parameters.Count + 1}", value));
    }

    /// <summary>Writes the rows as one JSON document with an array for each row; blobs are in hexadecimal.</summary>
    public override void Append(Sql sql, SqlRows rows)
    {
        sql.AppendLiteral("(select ");
        for (var i = 0; i < rows.Columns.Count; i++)
        {
            var (name, type, _) = rows.Columns[i];
            var value = string.Create(CultureInfo.InvariantCulture, $"value ->> {i}");
            sql.AppendLiteral($"{(i > 0 ? ", " : "")}{(type is SqlType.Bytes ? $"unhex({value})" : value)} as {name}");
        }

        sql.AppendLiteral(" from json_each(");
        sql.Append(new SqlParameter(SqlType.Text, ToJson(rows)));
        sql.AppendLiteral($")) as {rows.Name}");
    }

    public override DateTimeOffset ReadInstant(DbDataReader reader, int column) =>
        DateTimeOffset.UnixEpoch.AddTicks(reader.GetInt64(column) * TicksPerMicrosecond);

    /// <summary>Does nothing: the write transaction is the lock.</summary>
    public override Task LockAsync(Session session, long key, CancellationToken cancellationToken) => Task.CompletedTask;

    public override Task<bool> TryLockSchemaAsync(Session session, CancellationToken cancellationToken) => Task.FromResult(true);

    public override bool IsLockedElsewhere(Exception? exception) => exception is SqliteException
    {
        SqliteErrorCode: SQLitePCL.raw.SQLITE_BUSY or SQLitePCL.raw.SQLITE_LOCKED,
    };

    public override async Task<bool> TableExistsAsync(Session session, string table, CancellationToken cancellationToken) =>
        (await FindRelationsAsync(session, [table], cancellationToken)).Count > 0;

    public override Task<List<string>> FindRelationsAsync(
        Session session, IReadOnlyList<string> names, CancellationToken cancellationToken) => session.ListAsync(
        $"""
        select m.name
        from {session.Rows("n", names).With("name", static name => name)}
        join sqlite_master m on m.name = n.name
        order by 1
        """,
        static row => row.Text(0),
        cancellationToken);

    public override bool LacksColumn(Exception exception) =>
        exception is SqliteException failure && failure.Message.Contains("no such column", StringComparison.Ordinal);

    public override string Explain(Exception exception) => (exception as SqliteException)?.SqliteErrorCode switch
    {
        SQLitePCL.raw.SQLITE_FULL => "The disk of the database is full.",
        SQLitePCL.raw.SQLITE_IOERR => "The disk of the database does not accept what is written, or reports an error.",
        SQLitePCL.raw.SQLITE_READONLY or SQLitePCL.raw.SQLITE_PERM or SQLitePCL.raw.SQLITE_CANTOPEN =>
            "The server may not write the database's file or its folder.",
        SQLitePCL.raw.SQLITE_CORRUPT or SQLitePCL.raw.SQLITE_NOTADB =>
            "The database's file is damaged. Stop the server and restore a backup.",
        SQLitePCL.raw.SQLITE_BUSY or SQLitePCL.raw.SQLITE_LOCKED => "Another program keeps the database locked.",
        _ => base.Explain(exception),
    };

    /// <summary>Classifies errors by their result code: https://sqlite.org/rescode.html.</summary>
    public override FailureKind Classify(Exception exception) => exception is not SqliteException sqlite
        ? FailureKind.Bug
        : sqlite.SqliteErrorCode switch
        {
            SQLitePCL.raw.SQLITE_BUSY or SQLitePCL.raw.SQLITE_LOCKED or SQLitePCL.raw.SQLITE_IOERR or SQLitePCL.raw.SQLITE_FULL
                or SQLitePCL.raw.SQLITE_CANTOPEN or SQLitePCL.raw.SQLITE_READONLY or SQLitePCL.raw.SQLITE_CORRUPT
                or SQLitePCL.raw.SQLITE_NOTADB or SQLitePCL.raw.SQLITE_PERM => FailureKind.Unavailable,
            SQLitePCL.raw.SQLITE_CONSTRAINT or SQLitePCL.raw.SQLITE_MISMATCH or SQLitePCL.raw.SQLITE_TOOBIG => FailureKind.Refused,
            _ => FailureKind.Bug,
        };

    public override async ValueTask DisposeAsync()
    {
        // A background task may still be in a transaction on this connection.
        await _writerTurn.WaitAsync(MaxTransactionTime);
        if (_writer is not null)
            await _writer.DisposeAsync();
        using var anyConnection = new SqliteConnection(_connectionString);
        SqliteConnection.ClearPool(anyConnection);
        _writerTurn.Dispose();
    }

    private static long ToMicroseconds(DateTimeOffset instant) => (instant - DateTimeOffset.UnixEpoch).Ticks / TicksPerMicrosecond;

    private static string ToJson(SqlRows rows)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, JsonOptions))
        {
            writer.WriteStartArray();
            for (var row = 0; row < rows.Count; row++)
            {
                writer.WriteStartArray();
                foreach (var column in rows.Columns)
                    Write(writer, column.Values, row);
                writer.WriteEndArray();
            }

            writer.WriteEndArray();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void Write(Utf8JsonWriter writer, Array values, int row)
    {
        switch (values)
        {
            case Guid[] ids:
                writer.WriteStringValue(ids[row]);
                break;
            case Guid?[] ids when ids[row] is { } id:
                writer.WriteStringValue(id);
                break;
            case Guid?[]:
                writer.WriteNullValue();
                break;
            case string?[] texts:
                writer.WriteStringValue(texts[row]);
                break;
            case long[] numbers:
                writer.WriteNumberValue(numbers[row]);
                break;
            case long?[] numbers when numbers[row] is { } number:
                writer.WriteNumberValue(number);
                break;
            case long?[]:
                writer.WriteNullValue();
                break;
            case bool[] flags:
                writer.WriteNumberValue(flags[row] ? 1 : 0);
                break;
            case DateTimeOffset[] instants:
                writer.WriteNumberValue(ToMicroseconds(instants[row]));
                break;
            case DateTimeOffset?[] instants when instants[row] is { } instant:
                writer.WriteNumberValue(ToMicroseconds(instant));
                break;
            case DateTimeOffset?[]:
                writer.WriteNullValue();
                break;
            case byte[][] blobs:
                writer.WriteStringValue(Convert.ToHexStringLower(blobs[row]));
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(values), values.GetType(), "No column has this type.");
        }
    }

    private async Task<SqliteConnection> OpenAsync(CancellationToken cancellationToken)
    {
        var connection = new SqliteConnection(_connectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            await using var command = connection.CreateCommand();
            command.CommandText = "pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on;";
            await command.ExecuteNonQueryAsync(cancellationToken);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private sealed class Turn(SemaphoreSlim semaphore) : IDisposable
    {
        public void Dispose() => semaphore.Release();
    }
}
