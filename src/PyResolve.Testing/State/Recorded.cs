using System.Text;
using System.Text.Json;
using PyResolve.Client.Wire;

namespace PyResolve.Testing.State;

/// <summary>An event in the ledger.</summary>
/// <param name="Event">As it is listed.</param>
/// <param name="Payload">What was sent, in one spelling: tells the same event sent again from another one under its id.</param>
internal sealed record Recorded(RecordedUsageEvent Event, string Payload)
{
    public const string Migration = "migration";
    private static readonly JsonElement NoMetadata = Parse("{}");

    public int Migrations => Event.EventType == Migration ? Event.Quantity : 0;

    /// <param name="usage">What was sent; it has passed the rules.</param>
    /// <param name="quantity">How many it counts as.</param>
    /// <param name="hold">The hold that it names.</param>
    /// <param name="now">When it came.</param>
    public static Recorded From(UsageEventRequest usage, int quantity, Hold? hold, DateTimeOffset now)
    {
        var occurredAt = usage.OccurredAt is { } sent ? Cut(sent) : (DateTimeOffset?)null;
        var metadata = usage.Metadata is { ValueKind: JsonValueKind.Object } given ? given.Clone() : NoMetadata;
        var known = usage with { Id = null, OccurredAt = occurredAt, Metadata = null, FilesChanged = usage.FilesChanged ?? 0, TokensUsed = usage.TokensUsed ?? 0 };
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
            hold?.Month ?? (occurredAt ?? now).ToString("yyyy-MM"),
            occurredAt ?? now,
            now,
            usage.ReservationId,
            Late: hold is { Covers: false });
        return new(listed, payload);
    }

    /// <summary>To the microsecond, as the wire has it.</summary>
    public static DateTimeOffset Cut(DateTimeOffset instant)
    {
        var utc = instant.ToUniversalTime();
        return utc.AddTicks(-(utc.Ticks % TimeSpan.TicksPerMicrosecond));
    }

    private static string Canonical(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => "{" + string.Join(',', element.EnumerateObject().OrderBy(static member => member.Name, StringComparer.Ordinal)
            .Select(static member => $"\"{JsonEncodedText.Encode(member.Name)}\":{Canonical(member.Value)}")) + "}",
        JsonValueKind.Array => "[" + string.Join(',', element.EnumerateArray().Select(Canonical)) + "]",
        JsonValueKind.String => $"\"{JsonEncodedText.Encode(element.GetString()!)}\"",
        _ => element.GetRawText(),
    };

    private static JsonElement Parse(string json)
    {
        using var document = JsonDocument.Parse(Encoding.UTF8.GetBytes(json));
        return document.RootElement.Clone();
    }
}
