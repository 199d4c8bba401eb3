using PyResolve.Server.Access;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Accounts;

/// <summary>Passwords that guessers try first (NIST SP 800-63B, 3.1.1.2).</summary>
internal sealed class CommonPasswords(ProductOptions product)
{
    private const int ShortestName = 4;

    private static readonly Lazy<HashSet<string>> All = new(Read);

    /// <summary>The server's own name is guessed too, whatever the product is called.</summary>
    private readonly string[] _productNames = ["pyresolve", WithoutSpaces(WordOf(Normalize(product.Name)))];

    /// <returns>Why the password is refused; null where it is not.</returns>
    public string? FindReason(string password, string? email)
    {
        var lower = Normalize(password);
        if (IsRepetition(lower))
            return "repeats the same characters. Choose another one.";
        if (IsSequence(lower) || All.Value.Contains(lower))
            return "is one of the most common passwords, which are tried first. Choose another one.";
        var word = WordOf(lower);
        if (WithoutSpaces(word) is { Length: >= ShortestName } name && _productNames.Contains(name, StringComparer.Ordinal))
            return "is the product's name. Choose another one.";
        return IsOfEmail(lower, word, email) ? "is your email address or a part of it. Choose another one." : null;
    }

    private static string Normalize(string text) => UnicodeText.ComposeCompatible(text).ToLowerInvariant();

    /// <summary>With digits and signs at the end it is still the same guess.</summary>
    private static string WordOf(string text) => text.TrimEnd([.. "0123456789!?.,-_*#$@+ "]);

    private static string WithoutSpaces(string word) => word.Replace(" ", "", StringComparison.Ordinal);

    private static bool IsOfEmail(string lower, string word, string? email)
    {
        if (email is null || email.LastIndexOf('@') is var at && at < 1)
            return false;
        var address = EmailAddresses.KeyOf(email);
        var shown = EmailAddresses.Parse(email)?.Shown ?? address;
        var local = address[..address.LastIndexOf('@')];
        return lower == address || lower == shown || lower == local || (word == local && word.Length >= ShortestName);
    }

    /// <summary>Whether the text is one to three characters again and again.</summary>
    private static bool IsRepetition(string text) => Enumerable.Range(1, 3).Any(
        period => Enumerable.Range(0, Math.Max(0, text.Length - period)).All(i => text[i] == text[i + period]));

    /// <summary>Whether each character is one more, or one less, than the one before: abcdefgh, 98765432.</summary>
    private static bool IsSequence(string text) => new[] { 1, -1 }.Any(
        step => Enumerable.Range(1, Math.Max(0, text.Length - 1)).All(i => text[i] == text[i - 1] + step));

    private static HashSet<string> Read()
    {
        using var reader = new StreamReader(typeof(CommonPasswords).Assembly.GetManifestResourceStream("data/common-passwords.txt")!);
        var all = new HashSet<string>(StringComparer.Ordinal);
        while (reader.ReadLine() is { } line)
            all.Add(line);
        return all;
    }
}

internal static class PasswordRules
{
    /// <summary>Checks a new password. <paramref name="email"/>, where it is known, may not be the password either.</summary>
    public static void Password(this FieldErrors errors, string field, string? value, CommonPasswords common, string? email = null)
    {
        errors.Text(field, value, Passwords.MaxLength, required: true);
        if (value is null || value.Length > Passwords.MaxLength || !FieldErrors.IsPlainText(value))
            return;
        if (value.Length < Passwords.MinLength)
            errors.Add(field, $"must have at least {Passwords.MinLength} characters.");
        else if (common.FindReason(value, email) is { } reason)
            errors.Add(field, reason);
    }
}
