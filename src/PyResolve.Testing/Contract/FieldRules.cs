namespace PyResolve.Testing.Contract;

/// <summary>The checks of fields that the routes share.</summary>
internal static class FieldRules
{
    public const int LongestPassword = 256;
    private const int ShortestPassword = 8;
    private const int LongestEmail = 254;

    public static void Email(this FieldErrors errors, string field, string? value)
    {
        errors.Text(field, value, LongestEmail, required: true);
        if (value?.Trim().Split('@') is { } parts && parts is not [{ Length: > 0 }, { Length: > 0 }])
            errors.Add(field, ProblemTexts.NotAnEmail);
    }

    public static void Password(this FieldErrors errors, string field, string? value)
    {
        errors.Text(field, value, LongestPassword, required: true);
        if (value is { Length: < ShortestPassword })
            errors.Add(field, $"must have at least {ShortestPassword} characters.");
    }

    public static void Counts(this FieldErrors errors, long? filesChanged, long? tokensUsed)
    {
        errors.Range("files_changed", filesChanged, 0, int.MaxValue);
        errors.Range("tokens_used", tokensUsed, 0, int.MaxValue);
    }
}
