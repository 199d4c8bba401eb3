using System.Text.Json.Serialization;

namespace PyResolve.Server.Backups;

// A backup is a gzip file of JSON lines: the header; for each table its name and columns, a line for each row, and its end; the end.

/// <param name="Format">Always <see cref="Name"/>.</param>
/// <param name="Version">Of this format.</param>
/// <param name="Schema">The version of the schema that the rows fit.</param>
/// <param name="Epoch">That of keys, which a restored store goes on from.</param>
/// <param name="TakenAt">What was acknowledged before this instant is in it. All rows are of one instant, this one or right after.</param>
/// <param name="Keys">The server's secrets by the names of their files; empty where they were not asked for.</param>
internal sealed record BackupHeader(
    string Format, int Version, int Schema, long Epoch, DateTimeOffset TakenAt, IReadOnlyDictionary<string, string> Keys,
    IReadOnlyList<BackupTableRows> Tables)
{
    public const string Name = "pyresolve-backup";
    public const int CurrentVersion = 1;
}

internal sealed record BackupTableRows(string Table, long Rows);

internal sealed record BackupTable(string Table, IReadOnlyList<string> Columns);

/// <param name="Sha256">Of the lines of the rows, each with its end of line, in lower-case hexadecimal.</param>
internal sealed record BackupTableEnd(string End, long Rows, string Sha256);

internal sealed record BackupEnd(string EndOf, long Rows);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectRequiredConstructorParameters = true,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(BackupHeader))]
[JsonSerializable(typeof(BackupTable))]
[JsonSerializable(typeof(BackupTableEnd))]
[JsonSerializable(typeof(BackupEnd))]
internal sealed partial class BackupJson : JsonSerializerContext;

/// <summary>What a backup holds, or a restore has stored.</summary>
internal sealed record BackupSummary(int Schema, DateTimeOffset TakenAt, IReadOnlyList<BackupTableEnd> Tables)
{
    public long Rows => Tables.Sum(static table => table.Rows);

    /// <summary>What the store has after a restore; null: it was not restored.</summary>
    public int? StoreSchema { get; init; }
}

/// <summary>The file is no whole backup, or does not fit the store. The message says what to do.</summary>
internal sealed class BackupException(string message, Exception? cause = null) : IOException(message, cause);
