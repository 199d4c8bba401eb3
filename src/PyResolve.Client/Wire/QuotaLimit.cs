using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace PyResolve.Client.Wire;

/// <summary>A number of migrations, or unlimited. In JSON: a number, or the word <c>"unlimited"</c>.</summary>
[JsonConverter(typeof(QuotaLimitConverter))]
public readonly record struct QuotaLimit
{
    private readonly long _value;

    private QuotaLimit(long value, bool isUnlimited)
    {
        _value = value;
        IsUnlimited = isUnlimited;
    }

    /// <summary>No limit.</summary>
    public static QuotaLimit Unlimited { get; } = new(0, isUnlimited: true);

    /// <summary>Whether there is no limit.</summary>
    public bool IsUnlimited { get; }

    /// <summary>The number of migrations; <see langword="null"/> when there is no limit.</summary>
    public long? Value => IsUnlimited ? null : _value;

    /// <summary>A limit of <paramref name="migrations"/>.</summary>
    /// <param name="migrations">0 or more.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="migrations"/> is negative.</exception>
    public static QuotaLimit Of(long migrations) =>
        migrations >= 0 ? new(migrations, isUnlimited: false) : throw new ArgumentOutOfRangeException(nameof(migrations));

    /// <summary>The number in digits, or <c>unlimited</c>.</summary>
    public override string ToString() => IsUnlimited ? QuotaLimitConverter.UnlimitedWord : _value.ToString(CultureInfo.InvariantCulture);
}

internal sealed class QuotaLimitConverter : JsonConverter<QuotaLimit>
{
    internal const string UnlimitedWord = "unlimited";

    public override QuotaLimit Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.TokenType switch
    {
        JsonTokenType.Number when reader.TryGetInt64(out var value) => QuotaLimit.Of(Math.Max(0, value)),
        JsonTokenType.String when reader.ValueTextEquals(UnlimitedWord) => QuotaLimit.Unlimited,
        _ => throw new JsonException("A quota is a whole number or \"unlimited\"."),
    };

    public override void Write(Utf8JsonWriter writer, QuotaLimit value, JsonSerializerOptions options)
    {
        if (value.Value is { } number)
            writer.WriteNumberValue(number);
        else
            writer.WriteStringValue(UnlimitedWord);
    }
}
