using System.Buffers;
using System.Data.Common;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace PyResolve.Server.Backups;

/// <summary>Writes the lines of a backup. Not thread-safe.</summary>
internal sealed class BackupWriter : IAsyncDisposable
{
    private const int FlushBytes = 256 * 1024;

    private static readonly JsonWriterOptions RowOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly ArrayBufferWriter<byte> _buffer = new(2 * FlushBytes);
    private readonly GZipStream _file;
    private readonly Utf8JsonWriter _json;
    private readonly IncrementalHash _digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private int _hashed;
    private long _rows;

    public BackupWriter(Stream file)
    {
        _file = new GZipStream(file, CompressionLevel.Fastest, leaveOpen: true);
        _json = new Utf8JsonWriter(_buffer, RowOptions);
    }

    public async Task WriteAsync<T>(T line, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        _json.Reset();
        JsonSerializer.Serialize(_json, line, type);
        EndLine();
        await FlushAsync(cancellationToken);
    }

    public void BeginTable()
    {
        _rows = 0;
        _hashed = _buffer.WrittenCount;
    }

    /// <param name="row">The values in the order of <paramref name="columns"/>.</param>
    public async ValueTask WriteRowAsync(DbDataReader row, IReadOnlyList<StoredColumn> columns, CancellationToken cancellationToken)
    {
        _json.Reset();
        _json.WriteStartArray();
        for (var i = 0; i < columns.Count; i++)
            WriteValue(row, i, columns[i].Type);
        _json.WriteEndArray();
        EndLine();
        _rows++;
        if (_buffer.WrittenCount < FlushBytes)
            return;
        Hash();
        await FlushAsync(cancellationToken);
    }

    public BackupTableEnd EndTable(string name)
    {
        Hash();
        return new BackupTableEnd(name, _rows, Convert.ToHexStringLower(_digest.GetHashAndReset()));
    }

    public async ValueTask DisposeAsync()
    {
        await _json.DisposeAsync();
        await _file.DisposeAsync();
        _digest.Dispose();
    }

    private void WriteValue(DbDataReader row, int column, StoredType type)
    {
        if (row.IsDBNull(column))
        {
            _json.WriteNullValue();
            return;
        }

        switch (type)
        {
            case StoredType.Integer:
                _json.WriteNumberValue(row.GetInt64(column));
                break;
            case StoredType.Boolean:
                _json.WriteNumberValue(row.GetBoolean(column) ? 1 : 0);
                break;
            case StoredType.Instant:
                _json.WriteNumberValue((row.GetDateTime(column) - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond);
                break;
            case StoredType.Uuid:
                _json.WriteStringValue(row.GetGuid(column));
                break;
            case StoredType.Bytes:
                _json.WriteBase64StringValue(row.GetFieldValue<byte[]>(column));
                break;
            default:
                _json.WriteStringValue(row.GetString(column));
                break;
        }
    }

    private void EndLine()
    {
        _json.Flush();
        _buffer.Write("\n"u8);
    }

    private void Hash()
    {
        _digest.AppendData(_buffer.WrittenSpan[_hashed..]);
        _hashed = _buffer.WrittenCount;
    }

    private async Task FlushAsync(CancellationToken cancellationToken)
    {
        await _file.WriteAsync(_buffer.WrittenMemory, cancellationToken);
        _buffer.ResetWrittenCount();
        _hashed = 0;
    }
}
