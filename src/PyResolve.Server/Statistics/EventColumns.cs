using System.Text.Json;
using PyResolve.Client.Wire;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Statistics;

internal static class EventColumns
{
    private const int Id = 0;
    private const int Month = 7;
    private const int RecordedAt = 9;
    private const int MetadataText = 12;
    private const int KeyId = 13;
    private const int Credits = 14;
    private const int Overage = 15;

    /// <summary>The number of <see cref="Names"/>, and so the index of a column that a statement adds.</summary>
    public const int Count = 16;

    public static readonly SqlFragment Names = new(
        """
        id, event_type, library, tier, quantity, files_changed, tokens_used, month, occurred_at, created_at, reservation_id, late,
        cast(metadata as text), key_id, credits, overage
        """);

    /// <summary>The columns of <see cref="Names"/>, of which only those of <see cref="PositionOf"/> have values.</summary>
    public static readonly SqlFragment PositionAlone = new(
        "id, null, null, null, null, null, null, month, null, created_at, null, null, null, null, null, null");

    public static readonly IReadOnlyList<string> CsvHeader =
    [
        "id", "event_type", "library", "tier", "quantity", "files_changed", "tokens_used", "month", "occurred_at", "recorded_at",
        "reservation_id", "late", "metadata", "key_id",
    ];

    public static EventPosition PositionOf(Row row) => new(row.Text(Month), row.Instant(RecordedAt), row.Uuid(Id));

    public static string Metadata(Row row) => row.Text(MetadataText);

    public static RecordedUsageEvent Read(Row row, string metadata) => new(
        row.Uuid(Id),
        row.Text(1),
        row.TextOrNull(2),
        row.TextOrNull(3),
        row.Int32(4),
        row.Int32(5),
        row.Int32(6),
        JsonElement.Parse(metadata),
        row.Text(Month),
        row.Instant(8),
        row.Instant(RecordedAt),
        row.UuidOrNull(10),
        row.Boolean(11))
    {
        KeyId = row.UuidOrNull(KeyId),
        Credits = row.Int32OrNull(Credits),
        Overage = row.Int32OrNull(Overage),
    };

    public static void Write(Row row, CsvBuffer csv)
    {
        csv.Id(row.Uuid(Id));
        csv.Text(row.Text(1));
        csv.Text(row.TextOrNull(2));
        csv.Text(row.TextOrNull(3));
        csv.Number(row.Int32(4));
        csv.Number(row.Int32(5));
        csv.Number(row.Int32(6));
        csv.Text(row.Text(Month));
        csv.Instant(row.Instant(8));
        csv.Instant(row.Instant(RecordedAt));
        csv.Id(row.UuidOrNull(10));
        csv.Text(row.Boolean(11) ? "true" : "false");
        csv.Text(Metadata(row));
        csv.Id(row.UuidOrNull(KeyId));
        csv.EndRecord();
    }
}
