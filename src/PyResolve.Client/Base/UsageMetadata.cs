using System.Collections;
using System.Globalization;
using System.Text.Json;

namespace PyResolve.Client;

/// <summary>Makes the <c>Metadata</c> of usage events and outcomes.</summary>
public static class UsageMetadata
{
    private const int DeepestNesting = 32;

    /// <summary>A JSON object of the values in a dictionary.</summary>
    /// <param name="values">The values by name: <see langword="null"/>, strings, booleans, numbers, dates, <see cref="Guid"/>,
    /// <see cref="Uri"/>, enums (by name), <see cref="JsonElement"/>, and dictionaries and lists of these.</param>
    /// <exception cref="ArgumentException">A value has another type, or is a number that JSON does not have.</exception>
    public static JsonElement From(IEnumerable<KeyValuePair<string, object?>> values)
    {
        Guard.NotNull(values);
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
            WriteObject(writer, values, depth: 0);
        using var document = JsonDocument.Parse(buffer.ToArray());
        return document.RootElement.Clone();
    }

    private static void WriteObject(Utf8JsonWriter writer, IEnumerable<KeyValuePair<string, object?>> values, int depth)
    {
        writer.WriteStartObject();
        foreach (var value in values)
        {
            writer.WritePropertyName(value.Key);
            Write(writer, value.Key, value.Value, depth + 1);
        }

        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, string name, object? value, int depth)
    {
        if (depth > DeepestNesting)
            throw new ArgumentException($"Metadata '{name}' is nested too deeply.", nameof(value));
        switch (value)
        {
            case null:
                writer.WriteNullValue();
                break;
            case string text:
                writer.WriteStringValue(text);
                break;
            case bool flag:
                writer.WriteBooleanValue(flag);
                break;
            case JsonElement element:
                element.WriteTo(writer);
                break;
            case double or float:
                WriteFloat(writer, name, Convert.ToDouble(value, CultureInfo.InvariantCulture));
                break;
            case sbyte or byte or short or ushort or int or uint or long or ulong or decimal:
                writer.WriteNumberValue(Convert.ToDecimal(value, CultureInfo.InvariantCulture));
                break;
            case DateTimeOffset time:
                writer.WriteStringValue(time);
                break;
            case DateTime time:
                writer.WriteStringValue(time);
                break;
            case Guid or Uri or Enum or TimeSpan:
                writer.WriteStringValue(Convert.ToString(value, CultureInfo.InvariantCulture));
                break;
            case IEnumerable<KeyValuePair<string, object?>> members:
                WriteObject(writer, members, depth);
                break;
            case IDictionary map:
                WriteObject(writer, Members(map), depth);
                break;
            case IEnumerable items:
                writer.WriteStartArray();
                foreach (var item in items)
                    Write(writer, name, item, depth + 1);
                writer.WriteEndArray();
                break;
            default:
                throw new ArgumentException($"Metadata '{name}' is a {value.GetType().Name}, which has no JSON form here.", nameof(value));
        }
    }

    private static IEnumerable<KeyValuePair<string, object?>> Members(IDictionary map)
    {
        foreach (DictionaryEntry entry in map)
            yield return new(Convert.ToString(entry.Key, CultureInfo.InvariantCulture)!, entry.Value);
    }

    private static void WriteFloat(Utf8JsonWriter writer, string name, double number)
    {
        if (double.IsNaN(number) || double.IsInfinity(number))
            throw new ArgumentException($"Metadata '{name}' is not a finite number, which JSON does not have.", nameof(number));
        writer.WriteNumberValue(number);
    }
}
