using System.Globalization;
using System.Text;
using System.Text.Json;
using PyResolve.Client.Wire;

namespace PyResolve;

/// <summary>
/// Collects the errors of all fields of a body, so that one answer names all of them. Compiled into the server and into
/// PyResolve.Testing.
/// </summary>
internal sealed class FieldErrors
{
    public const int LongestLibrary = 128;
    private const int LargestMetadata = 16 * 1024;
    private const int LongestNumber = 400;
    private const int LargestExponent = 308;

    private Dictionary<string, List<string>>? _errors;

    public Problem? Problem => _errors is null
        ? null
        : Problems.Invalid(_errors.ToDictionary(pair => pair.Key, pair => (IReadOnlyList<string>)pair.Value, StringComparer.Ordinal));

    public void ThrowIfAny()
    {
        if (Problem is { } problem)
            throw new ProblemException(problem);
    }

    public void Add(string field, string error)
    {
        _errors ??= new Dictionary<string, List<string>>(StringComparer.Ordinal);
        if (_errors.TryGetValue(field, out var earlier))
            earlier.Add(error);
        else
            _errors[field] = [error];
    }

    /// <summary>Without control characters.</summary>
    public void Text(string field, string? value, int longest, bool required = false)
    {
        if (value is null)
        {
            if (required)
                Add(field, ProblemTexts.IsRequired);
        }
        else if (value.Length > longest)
        {
            Add(field, ProblemTexts.TooLong(longest));
        }
        else if (!IsPlainText(value))
        {
            Add(field, ProblemTexts.NotPlainText);
        }
        else if (required && string.IsNullOrWhiteSpace(value))
        {
            Add(field, ProblemTexts.IsEmpty);
        }
    }

    /// <summary>
    /// As <see cref="Text"/>, for what another person is shown: also without characters that are invisible or change the order of others.
    /// Joiners, which some scripts and emoji need, are allowed between two other characters.
    /// </summary>
    public void Label(string field, string? value, int longest, bool required = false)
    {
        Text(field, value, longest, required);
        if (value is not null && value.Length <= longest && HasFormatCharacter(value))
            Add(field, ProblemTexts.NotVisibleText);
    }

    public void Range(string field, long? value, long lowest, long highest)
    {
        if (value < lowest || value > highest)
            Add(field, ProblemTexts.Range(lowest, highest));
    }

    public void Tier(string field, string? value, bool required)
    {
        if (value is null ? required : value is not ("tier1" or "tier2" or "tier3"))
            Add(field, ProblemTexts.NotATier);
    }

    /// <summary>A JSON object that both engines can keep: finite numbers, no lone surrogates.</summary>
    public void Metadata(string field, JsonElement? value)
    {
        if (value is not { } metadata || metadata.ValueKind is JsonValueKind.Null)
            return;
        if (metadata.ValueKind is not JsonValueKind.Object)
            Add(field, ProblemTexts.NotAnObject);
        else if (Encoding.UTF8.GetByteCount(metadata.GetRawText()) > LargestMetadata)
            Add(field, ProblemTexts.MetadataTooLarge);
        else if (!IsStorable(metadata))
            Add(field, "has a control character, half a character (a lone surrogate), or a number that is too large.");
    }

    public static bool IsPlainText(string value)
    {
        for (var i = 0; i < value.Length; i++)
        {
            if (char.IsControl(value[i]))
                return false;
            if (!char.IsSurrogate(value[i]))
                continue;
            if (i + 1 == value.Length || !char.IsSurrogatePair(value[i], value[i + 1]))
                return false;
            i++;
        }

        return true;
    }

    private static bool HasFormatCharacter(string value)
    {
        for (var i = 0; i < value.Length; i++)
        {
            var isJoiner = value[i] is '\u200C' or '\u200D' && i > 0 && i < value.Length - 1 && value[i - 1] is not ('\u200C' or '\u200D');
            if (!isJoiner
                && CharUnicodeInfo.GetUnicodeCategory(value, i) is UnicodeCategory.Format or UnicodeCategory.LineSeparator
                    or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse)
            {
                return true;
            }

            if (char.IsHighSurrogate(value[i]))
                i++;
        }

        return false;
    }

    private static bool IsStorable(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().All(member => IsStorableText(() => member.Name) && IsStorable(member.Value)),
        JsonValueKind.Array => element.EnumerateArray().All(IsStorable),
        JsonValueKind.String => IsStorableText(element.GetString),
        JsonValueKind.Number => IsStorableNumber(element.GetRawText()),
        _ => true,
    };

    /// <summary>Checks the text: a number that a double rounds to 0 or 1 may still have more digits than a database column holds.</summary>
    private static bool IsStorableNumber(string number)
    {
        var exponentAt = number.AsSpan().IndexOfAny('e', 'E');
        return number.Length <= LongestNumber
            && (exponentAt < 0
                || (int.TryParse(
                    number.AsSpan(exponentAt + 1),
                    NumberStyles.AllowLeadingSign,
                    CultureInfo.InvariantCulture,
                    out var exponent) && Math.Abs((long)exponent) <= LargestExponent));
    }

    /// <summary>Line breaks and tabs are allowed in metadata; NUL and the other controls are not.</summary>
    private static bool IsStorableText(Func<string?> read)
    {
        try
        {
            return read() is not { } text
                || IsPlainText(string.Concat(text.Split('\n', '\r', '\t')));
        }
        catch (InvalidOperationException)
        {
            // A \u escape of half a surrogate pair.
            return false;
        }
    }
}
