using System.Text;
using System.Text.Json;
using PyResolve.Client.Wire;

namespace PyResolve.Testing.Contract;

internal sealed class FieldRules
{
    public const int LongestLibrary = 128;
    public const int LongestPassword = 256;
    private const int ShortestPassword = 8;
    private const int LongestEmail = 254;
    private const int LargestMetadata = 16 * 1024;
    private readonly Dictionary<string, IReadOnlyList<string>> _errors = new(StringComparer.Ordinal);

    public Problem? Problem => _errors.Count == 0 ? null : Problems.Invalid(_errors);

    public void ThrowIfAny()
    {
        if (Problem is { } problem)
            throw new ProblemException(problem);
    }

    public void Add(string field, string error) => _errors[field] = [.. _errors.GetValueOrDefault(field) ?? [], error];

    public void Text(string field, string? value, int longest, bool required = false)
    {
        if (value is null)
        {
            if (required)
                Add(field, "is required.");
        }
        else if (value.Length > longest)
        {
            Add(field, $"is longer than {longest} characters.");
        }
        else if (value.Any(char.IsControl))
        {
            Add(field, "has a control character or half a character (a lone surrogate).");
        }
        else if (required && string.IsNullOrWhiteSpace(value))
        {
            Add(field, "is empty.");
        }
    }

    public void Email(string field, string? value)
    {
        Text(field, value, LongestEmail, required: true);
        if (value?.Trim().Split('@') is { } parts && parts is not [{ Length: > 0 }, { Length: > 0 }])
            Add(field, "must be an e-mail address, such as ada@example.com.");
    }

    public void Password(string field, string? value)
    {
        Text(field, value, LongestPassword, required: true);
        if (value is { Length: < ShortestPassword })
            Add(field, $"must have at least {ShortestPassword} characters.");
    }

    public void Range(string field, long? value, long lowest, long highest)
    {
        if (value < lowest || value > highest)
            Add(field, $"must be from {lowest} to {highest}.");
    }

    public void Tier(string field, string? value, bool required)
    {
        if (value is null ? required : value is not ("tier1" or "tier2" or "tier3"))
            Add(field, "must be tier1, tier2 or tier3.");
    }

    public void Counts(long? filesChanged, long? tokensUsed)
    {
        Range("files_changed", filesChanged, 0, int.MaxValue);
        Range("tokens_used", tokensUsed, 0, int.MaxValue);
    }

    public void Metadata(JsonElement? value)
    {
        if (value is not { ValueKind: not JsonValueKind.Null } metadata)
            return;
        if (metadata.ValueKind is not JsonValueKind.Object)
            Add("metadata", "must be a JSON object.");
        else if (Encoding.UTF8.GetByteCount(metadata.GetRawText()) > LargestMetadata)
            Add("metadata", "is larger than 16 KiB.");
    }

    public static bool IsKey(string key) => key.Length is > 0 and <= 255 && key.All(static character => character is >= '!' and <= '~');
}
