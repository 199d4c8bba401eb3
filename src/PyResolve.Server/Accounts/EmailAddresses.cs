using PyResolve.Server.Http;

namespace PyResolve.Server.Accounts;

/// <summary>E-mail addresses: compared and kept in lower case, as Supabase Auth does, so that one person has one account.</summary>
internal static class EmailAddresses
{
    /// <summary>The longest address that SMTP can carry (RFC 5321).</summary>
    public const int Longest = 254;

    public static string Normalize(string email) => email.Trim().ToLowerInvariant();

    /// <summary>An email to the address is the only real check; this catches slips.</summary>
    public static void Email(this FieldErrors errors, string field, string? value)
    {
        errors.Text(field, value, Longest, required: true);
        if (value is null)
            return;
        var email = value.Trim();
        var at = email.IndexOf('@', StringComparison.Ordinal);
        if (at < 1 || at != email.LastIndexOf('@') || at == email.Length - 1 || email.Any(char.IsWhiteSpace))
            errors.Add(field, "must be an e-mail address, such as ada@example.com.");
    }

    public static void Password(this FieldErrors errors, string field, string? value)
    {
        errors.Text(field, value, Passwords.Longest, required: true);
        if (value is { Length: < Passwords.Shortest })
            errors.Add(field, $"must have at least {Passwords.Shortest} characters.");
    }
}
