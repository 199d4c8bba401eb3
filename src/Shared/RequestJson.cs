using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using PyResolve.Client.Wire;

namespace PyResolve;

/// <summary>
/// How bodies of requests are read. Not with ASP.NET Core's JSON options: those take numbers written as strings, and names in any case.
/// Compiled into the server and into PyResolve.Testing.
/// </summary>
internal static class RequestJson
{
    private static readonly JsonSerializerOptions Options = CreateOptions();

    public static JsonTypeInfo<T> TypeOf<T>() => (JsonTypeInfo<T>)Options.GetTypeInfo(typeof(T));

    private static JsonSerializerOptions CreateOptions()
    {
        var options = new JsonSerializerOptions();
        WireJson.ApplyTo(options);
        options.Converters.Add(
            new WholeNumber<int>(static number => number is >= int.MinValue and <= int.MaxValue ? (int)number : null));
        options.Converters.Add(
            new WholeNumber<long>(static number => number is >= long.MinValue and <= long.MaxValue ? (long)number : null));
        options.MakeReadOnly();
        return options;
    }

    /// <summary>As JSON Schema means it: <c>1.0</c> and <c>1e3</c> are integers too.</summary>
    private sealed class WholeNumber<T>(Func<decimal, T?> convert) : JsonConverter<T>
        where T : struct
    {
        public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType is JsonTokenType.Number
            && reader.TryGetDecimal(out var number)
            && decimal.Truncate(number) == number
            && convert(number) is { } value
                ? value
                : throw new JsonException("A whole number.");

        public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => throw new NotSupportedException();
    }
}
