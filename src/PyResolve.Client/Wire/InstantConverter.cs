using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace PyResolve.Client.Wire;

/// <summary>Writes UTC to the microsecond, the precision of both storage engines. Reads an instant without an offset as UTC.</summary>
internal sealed class InstantConverter : JsonConverter<DateTimeOffset>
{
    private const string Format = "yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'";

    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.String || !reader.TryGetDateTime(out var instant))
            throw new JsonException("An instant is written as 2026-11-23T00:00:00Z.");
        return instant.Kind == DateTimeKind.Unspecified
            ? new DateTimeOffset(instant, TimeSpan.Zero)
            : new DateTimeOffset(instant.ToUniversalTime(), TimeSpan.Zero);
    }

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToUniversalTime().ToString(Format, CultureInfo.InvariantCulture));
}
