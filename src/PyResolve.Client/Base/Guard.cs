using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;

namespace PyResolve.Client;

/// <summary>Argument checks that read the same on every target framework.</summary>
internal static class Guard
{
    private const int LargestMetadata = 16 * 1024;

    public static T NotNull<T>([NotNull] T? value, [CallerArgumentExpression(nameof(value))] string? name = null)
        where T : class => value ?? throw new ArgumentNullException(name);

    public static bool IsVisibleAscii(string text)
    {
        foreach (var c in text)
        {
            if (c is < '!' or > '~')
                return false;
        }

        return text.Length > 0;
    }

    public static bool HasControlCharacter(string text)
    {
        foreach (var c in text)
        {
            if (char.IsControl(c))
                return true;
        }

        return false;
    }

    public static string? Library(string? value, string name) => value switch
    {
        null => null,
        { Length: > 128 } => throw new ArgumentException("A library's name has at most 128 characters.", name),
        _ when string.IsNullOrWhiteSpace(value) => throw new ArgumentException("Name the library, as in \"pydantic\".", name),
        _ when HasControlCharacter(value) => throw new ArgumentException("A library's name has no control characters.", name),
        _ => value,
    };

    public static JsonElement? Metadata(JsonElement? value, string name) => value switch
    {
        null => null,
        { ValueKind: not JsonValueKind.Object } => throw new ArgumentException("Metadata is a JSON object.", name),
        { } metadata when Encoding.UTF8.GetByteCount(metadata.GetRawText()) > LargestMetadata => throw new ArgumentException("Metadata is at most 16 KiB of JSON.", name),
        _ => value,
    };

    public static long Count(long value, string name) => value is >= 0 and <= int.MaxValue
        ? value
        : throw new ArgumentOutOfRangeException(name, value, "Counts range from 0 to 2147483647.");
}
