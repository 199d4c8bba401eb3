using System.Buffers;
using System.IO.Compression;
using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Backups;

/// <summary>Reads the lines of a backup, and refuses a file that is cut short or changed. Not thread-safe.</summary>
internal sealed class BackupReader(Stream file) : IAsyncDisposable
{
    /// <summary>Of a line that is no row. A file of another kind may have no end of line at all.</summary>
    private const int MostBytes = 1 << 20;

    private const int MostBytesOfRow = 64 << 20;
    private const string Damaged = "The backup is damaged or cut short. Nothing was restored. Take another file.";
    private const string NoBackup = "This file is no backup, or is damaged. Nothing was restored. Name one that the command backup wrote.";

    private readonly PipeReader _lines = PipeReader.Create(
        new GZipStream(file, CompressionMode.Decompress), new StreamPipeReaderOptions(bufferSize: 256 * 1024));
    private readonly IncrementalHash _digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private SequencePosition _next;
    private long _rows;

    /// <exception cref="BackupException">The file is no backup, or is made by a later version.</exception>
    public async Task<BackupHeader> ReadHeaderAsync(CancellationToken cancellationToken)
    {
        var header = await ReadAsync(BackupJson.Default.BackupHeader, NoBackup, cancellationToken);
        if (header.Format != BackupHeader.Name)
            throw new BackupException(NoBackup);
        if (header.Version != BackupHeader.CurrentVersion)
        {
            throw new BackupException(
                $"This backup has version {header.Version} of the format, and this server reads {BackupHeader.CurrentVersion}. "
                + "Nothing was restored. Restore it with the release that made it.");
        }

        return header.Schema > 0 && header.Epoch is >= 0 and < long.MaxValue && header.Keys.Values.All(static key => key is not null)
            && header.Tables.All(static table => table is not null)
            ? header
            : throw new BackupException(Damaged);
    }

    public Task<BackupTable> ReadTableAsync(CancellationToken cancellationToken) =>
        ReadAsync(BackupJson.Default.BackupTable, Damaged, cancellationToken);

    /// <summary>The next row of a table; <see langword="null"/> after the last one, whose digest was as it should be.</summary>
    /// <param name="values">Where the values go, as a parameter of a statement takes them.</param>
    public async ValueTask<BackupTableEnd?> ReadRowAsync(
        string table, IReadOnlyList<StoredColumn> columns, object?[] values, CancellationToken cancellationToken)
    {
        var line = await ReadLineAsync(MostBytesOfRow, Damaged, cancellationToken);
        try
        {
            if (line.FirstSpan is [(byte)'[', ..])
            {
                ReadValues(line, columns, values);
                Hash(line);
                _rows++;
                return null;
            }
            return End(table, line);
        }
        finally
        {
            Release();
        }
    }

    /// <summary>Reads to the end of the file, where the compression has a checksum of everything.</summary>
    public async Task ReadEndAsync(CancellationToken cancellationToken)
    {
        var end = await ReadAsync(BackupJson.Default.BackupEnd, Damaged, cancellationToken);
        if (end.EndOf != BackupHeader.Name || await FindLineAsync(MostBytes, Damaged, cancellationToken) is not null)
            throw new BackupException(Damaged);
    }

    public async ValueTask DisposeAsync()
    {
        await _lines.CompleteAsync();
        _digest.Dispose();
    }

    private BackupTableEnd End(string table, ReadOnlySequence<byte> line)
    {
        var end = Parse(line, BackupJson.Default.BackupTableEnd, Damaged);
        var digest = Convert.ToHexStringLower(_digest.GetHashAndReset());
        if (end.End != table || end.Rows != _rows || end.Sha256 != digest)
            throw new BackupException(Damaged);
        _rows = 0;
        return end;
    }

    private static void ReadValues(ReadOnlySequence<byte> line, IReadOnlyList<StoredColumn> columns, object?[] values)
    {
        try
        {
            var json = new Utf8JsonReader(line);
            json.Read();
            for (var i = 0; i < columns.Count; i++)
            {
                json.Read();
                values[i] = json.TokenType switch
                {
                    JsonTokenType.Null => null,
                    JsonTokenType.Number => Number(json.GetInt64(), columns[i].Type),
                    JsonTokenType.String => Text(ref json, columns[i].Type),
                    _ => throw new BackupException(Damaged),
                };
            }
            if (!json.Read() || json.TokenType != JsonTokenType.EndArray)
                throw new BackupException(Damaged);
        }
        catch (Exception exception) when (exception is JsonException or FormatException or InvalidOperationException
            or ArgumentOutOfRangeException or OverflowException)
        {
            throw new BackupException(Damaged, exception);
        }
    }

    private static object Number(long number, StoredType type) => type switch
    {
        StoredType.Integer => number,
        StoredType.Boolean => number != 0,
        StoredType.Instant => DateTime.UnixEpoch.AddTicks(checked(number * TimeSpan.TicksPerMicrosecond)),
        _ => throw new BackupException(Damaged),
    };

    private static object Text(ref Utf8JsonReader json, StoredType type) => type switch
    {
        StoredType.Text or StoredType.Json => json.GetString()!,
        StoredType.Uuid => json.GetGuid(),
        StoredType.Bytes => json.GetBytesFromBase64(),
        _ => throw new BackupException(Damaged),
    };

    private void Hash(ReadOnlySequence<byte> line)
    {
        foreach (var piece in line)
            _digest.AppendData(piece.Span);
        _digest.AppendData("\n"u8);
    }

    private async Task<T> ReadAsync<T>(JsonTypeInfo<T> type, string otherwise, CancellationToken cancellationToken)
    {
        var line = await ReadLineAsync(MostBytes, otherwise, cancellationToken);
        var value = Parse(line, type, otherwise);
        Release();
        return value;
    }

    private static T Parse<T>(ReadOnlySequence<byte> line, JsonTypeInfo<T> type, string otherwise)
    {
        try
        {
            var json = new Utf8JsonReader(line);
            return JsonSerializer.Deserialize(ref json, type) ?? throw new BackupException(otherwise);
        }
        catch (JsonException exception)
        {
            throw new BackupException(otherwise, exception);
        }
    }

    private async ValueTask<ReadOnlySequence<byte>> ReadLineAsync(int mostBytes, string otherwise, CancellationToken cancellationToken) =>
        await FindLineAsync(mostBytes, otherwise, cancellationToken) ?? throw new BackupException(otherwise);

    /// <returns>null: the file ends here.</returns>
    private async ValueTask<ReadOnlySequence<byte>?> FindLineAsync(int mostBytes, string otherwise, CancellationToken cancellationToken)
    {
        try
        {
            for (var searched = 0L; ;)
            {
                var read = await _lines.ReadAsync(cancellationToken);
                if (read.Buffer.Slice(searched).PositionOf((byte)'\n') is { } end)
                {
                    _next = read.Buffer.GetPosition(1, end);
                    return read.Buffer.Slice(0, end);
                }

                searched = read.Buffer.Length;
                if (read.IsCompleted && searched == 0)
                    return null;
                if (read.IsCompleted || searched > mostBytes)
                    throw new BackupException(otherwise);
                _lines.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            }
        }
        catch (InvalidDataException exception)
        {
            throw new BackupException(otherwise, exception);
        }
        catch (Exception exception) when (exception is IOException and not BackupException or UnauthorizedAccessException)
        {
            throw new BackupException($"The file cannot be read: {FileFault.Explain(exception)}. Nothing was restored.", exception);
        }
    }

    /// <summary>The last line is not needed any longer.</summary>
    private void Release() => _lines.AdvanceTo(_next);
}
