namespace PyResolve.Server.Access;

/// <summary>Email addresses are compared and stored in lower case, as in Supabase Auth, so that one person has one account.</summary>
internal static class EmailAddresses
{
    /// <summary>The longest address that SMTP can carry (RFC 5321).</summary>
    public const int MaxLength = 254;

    public static string Normalize(string email) => email.Trim().ToLowerInvariant();

    /// <summary>Catches typing errors; only an email to the address shows that it exists.</summary>
    public static void Email(this FieldErrors errors, string field, string? value)
    {
        errors.Text(field, value, MaxLength, required: true);
        if (value is null)
            return;
        var email = value.Trim();
        var at = email.IndexOf('@', StringComparison.Ordinal);
        if (at < 1 || at != email.LastIndexOf('@') || at == email.Length - 1 || email.Any(char.IsWhiteSpace))
            errors.Add(field, ProblemTexts.NotAnEmail);
    }
}
