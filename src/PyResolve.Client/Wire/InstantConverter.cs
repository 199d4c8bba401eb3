using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace PyResolve.Client.Wire;

/// <summary>Writes UTC to the microsecond, the precision of both storage engines. Reads RFC 3339, and an instant without an offset as
/// UTC.</summary>
internal sealed class InstantConverter : JsonConverter<DateTimeOffset>
{
    private const string Format = "yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'";

    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.String
            || (!reader.TryGetDateTime(out var instant) && !TryParseUncommon(ref reader, out instant)))
        {
            throw new JsonException("An instant is written as 2026-11-23T00:00:00Z.");
        }

        return instant.Kind == DateTimeKind.Unspecified
            ? new DateTimeOffset(instant, TimeSpan.Zero)
            : new DateTimeOffset(instant.ToUniversalTime(), TimeSpan.Zero);
    }

    /// <summary>
    /// The forms of RFC 3339 that System.Text.Json does not read: <c>t</c> and <c>z</c>, and a leap second, which becomes the last
    /// microsecond of its minute: it stays on its day and in its month.
    /// </summary>
    private static bool TryParseUncommon(ref Utf8JsonReader reader, out DateTime instant)
    {
        instant = default;
        if (ReadText(ref reader) is not { Length: >= 20 and <= 64 } text || text[10] is not ('t' or 'T'))
            return false;
        var (time, rest) = (text.Substring(11, 8), text.Substring(19).Replace('z', 'Z'));
        var isLeapSecond = time.EndsWith(":60", StringComparison.Ordinal);
        if (isLeapSecond)
        {
            time = $"{time.Substring(0, 6)}59.999999";
            var zone = rest.IndexOfAny(['Z', '+', '-']);
            if (zone < 0 || !IsFraction(rest.Substring(0, zone)))
                return false;
            rest = rest.Substring(zone);
        }

        var common = Encoding.UTF8.GetBytes($"\"{text.Substring(0, 10)}T{time}{rest}\"");
        var reread = new Utf8JsonReader(common);
        reread.Read();
        return reread.TryGetDateTime(out instant) && (!isLeapSecond || instant.ToUniversalTime() is { Hour: 23, Minute: 59 });
    }

    private static bool IsFraction(string text) =>
        text.Length == 0 || (text.Length > 1 && text[0] == '.' && text.Skip(1).All(static digit => digit is >= '0' and <= '9'));

    /// <summary>null where the text has an escape that is half a surrogate pair.</summary>
    private static string? ReadText(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToUniversalTime().ToString(Format, CultureInfo.InvariantCulture));
}
