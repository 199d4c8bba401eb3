using System.Text;
using System.Text.Json;
using PyResolve.Client.Wire;

namespace PyResolve.Testing.State;

/// <param name="Event">As lists show it.</param>
/// <param name="Payload">The canonical request: an event with the same id and an equal payload is the same event, sent again.</param>
internal sealed record LedgerEvent(RecordedUsageEvent Event, string Payload)
{
    public const string Migration = "migration";
    private const long TicksPerMicrosecond = 10;
    private static readonly JsonElement NoMetadata = Parse("{}");

    public int Migrations => Event.EventType == Migration ? Event.Quantity : 0;

    public static LedgerEvent From(
        UsageEventRequest usage, Guid? keyId, int quantity, FakeReservation? reservation, DateTimeOffset now)
    {
        var occurredAt = usage.OccurredAt is { } sent ? Truncate(sent) : (DateTimeOffset?)null;
        var metadata = usage.Metadata is { ValueKind: JsonValueKind.Object } given ? given.Clone() : NoMetadata;
        var known = usage with
        {
            Id = null,
            OccurredAt = occurredAt,
            Metadata = null,
            FilesChanged = usage.FilesChanged ?? 0,
            TokensUsed = usage.TokensUsed ?? 0,
        };
        var payload = $"{quantity} {JsonSerializer.Serialize(known, WireJson.Requests.UsageEventRequest)} {Canonical(metadata)}";
        var listed = new RecordedUsageEvent(
            usage.Id ?? Ids.Create(),
            usage.EventType!,
            usage.Library,
            usage.Tier,
            quantity,
            (int)(usage.FilesChanged ?? 0),
            (int)(usage.TokensUsed ?? 0),
            metadata,
            reservation?.Month ?? (occurredAt ?? now).ToString("yyyy-MM"),
            occurredAt ?? now,
            now,
            usage.ReservationId,
            Late: reservation is { CoversEvents: false })
        {
            KeyId = keyId,
        };
        return new(listed, payload);
    }

    /// <summary>To microseconds, the resolution of the server.</summary>
    public static DateTimeOffset Truncate(DateTimeOffset instant)
    {
        var utc = instant.ToUniversalTime();
        return utc.AddTicks(-(utc.Ticks % TicksPerMicrosecond));
    }

    private static string Canonical(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => $"{{{string.Join(',', Sorted(element).Select(Canonical))}}}",
        JsonValueKind.Array => "[" + string.Join(',', element.EnumerateArray().Select(Canonical)) + "]",
        JsonValueKind.String => $"\"{JsonEncodedText.Encode(element.GetString()!)}\"",
        _ => element.GetRawText(),
    };

    private static string Canonical(JsonProperty member) => $"\"{JsonEncodedText.Encode(member.Name)}\":{Canonical(member.Value)}";

    private static IEnumerable<JsonProperty> Sorted(JsonElement element) =>
        element.EnumerateObject().OrderBy(static member => member.Name, StringComparer.Ordinal);

    private static JsonElement Parse(string json)
    {
        using var document = JsonDocument.Parse(Encoding.UTF8.GetBytes(json));
        return document.RootElement.Clone();
    }
}
