using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;

namespace PyResolve.Client;

internal static class Guard
{
    private const int MaxMetadataBytes = 16 * 1024;

    public static T NotNull<T>([NotNull] T? value, [CallerArgumentExpression(nameof(value))] string? name = null)
        where T : class => value ?? throw new ArgumentNullException(name);

    public static string? Library(string? value, string name) => value switch
    {
        null => null,
        { Length: > 128 } => throw new ArgumentException("A library name has at most 128 characters.", name),
        _ when string.IsNullOrWhiteSpace(value) => throw new ArgumentException("A library name is not blank. Example: pydantic", name),
        _ when value.Any(char.IsControl) => throw new ArgumentException("A library name has no control characters.", name),
        _ => value,
    };

    public static JsonElement? Metadata(JsonElement? value, string name) => value switch
    {
        null => null,
        { ValueKind: not JsonValueKind.Object } => throw new ArgumentException("Metadata is a JSON object.", name),
        { } metadata when Encoding.UTF8.GetByteCount(metadata.GetRawText()) > MaxMetadataBytes =>
            throw new ArgumentException("Metadata is at most 16 KiB of JSON.", name),
        _ => value,
    };

    public static long Count(long value, string name) => value is >= 0 and <= int.MaxValue
        ? value
        : throw new ArgumentOutOfRangeException(name, value, "A count is from 0 to 2147483647.");
}
