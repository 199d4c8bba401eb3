using System.Globalization;
using System.Text;

namespace PyResolve.Server.Access;

/// <param name="Shown">As it was typed, except for case and composition.</param>
/// <param name="Key">
/// The normal form: equal for two spellings of one mailbox. Emails are sent to it, since every mail server takes its domain.
/// </param>
internal sealed record EmailAddress(string Shown, string Key);

/// <summary>
/// Normal forms of email addresses. One mailbox has one, which alone is compared: Unicode form C and lower case by the runtime's own table,
/// whatever the locale or the database; the domain as IDNA's lower-case A-labels, without a dot at its end.
/// </summary>
internal static class EmailAddresses
{
    /// <summary>The longest address that SMTP can carry (RFC 5321).</summary>
    public const int MaxLength = 254;

    private const int MaxLocalBytes = 64;

    /// <summary>The characters that RFC 5322 allows in a name without quotes, besides ASCII letters and digits.</summary>
    private const string Specials = "!#$%&'*+-/=?^_`{|}~";

    private static readonly IdnMapping Idna = new() { UseStd3AsciiRules = true };

    /// <returns>
    /// null where no mail server could take the address. Quoted names and addresses of hosts in brackets are not taken here.
    /// </returns>
    public static EmailAddress? Parse(string text)
    {
        var typed = Lower(text.Trim());
        var at = typed.IndexOf('@', StringComparison.Ordinal);
        if (at < 1 || at != typed.LastIndexOf('@') || !IsLocalPart(typed[..at]) || ToAscii(typed[(at + 1)..]) is not { } domain)
            return null;
        var local = typed[..at];
        var key = $"{local}@{domain}";
        return key.Length <= MaxLength ? new EmailAddress($"{local}@{Idna.GetUnicode(domain)}", key) : null;
    }

    /// <summary>The normal form, also of a text that is not an address, such as a row of an earlier version may have.</summary>
    public static string KeyOf(string text) => Parse(text)?.Key ?? Lower(text.Trim());

    /// <summary>Checks the form of an address. Only an email to the address shows that it exists.</summary>
    public static void Email(this FieldErrors errors, string field, string? value)
    {
        errors.Text(field, value, MaxLength, required: true);
        if (value is { Length: <= MaxLength } && FieldErrors.IsPlainText(value) && Parse(value) is null)
            errors.Add(field, ProblemTexts.NotAnEmail);
    }

    private static string Lower(string text) => UnicodeText.Compose(UnicodeText.Compose(text).ToLowerInvariant());

    private static bool IsLocalPart(string local) =>
        Encoding.UTF8.GetByteCount(local) <= MaxLocalBytes
        && local.Split('.').All(static atom => atom.Length > 0 && atom.EnumerateRunes().All(IsAtomCharacter));

    private static bool IsAtomCharacter(Rune rune) => rune.IsAscii
        ? Rune.IsLetterOrDigit(rune) || Specials.Contains((char)rune.Value, StringComparison.Ordinal)
        : Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate
            or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned or UnicodeCategory.SpaceSeparator
            or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);

    /// <summary>
    /// Converts a domain to A-labels. An A-label that was typed is read first, or two encodings of one name would differ.
    /// </summary>
    private static string? ToAscii(string domain)
    {
        try
        {
            // The other dots of IDNA: ideographic, full-width, half-width.
            var name = Fold(domain).Replace('\u3002', '.');
            if (name.EndsWith('.'))
                name = name[..^1];
            if (name.Length == 0)
                return null;
            var shown = Fold(Idna.GetUnicode(Idna.GetAscii(name)));
            var ascii = Idna.GetAscii(shown);
            return ascii.EndsWith('.') || !shown.EnumerateRunes().All(IsDomainCharacter) || IsNumeric(ascii) || !IsStable(ascii)
                ? null
                : ascii;
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    /// <summary>
    /// Whether a domain may have the character: letters, marks and digits, as in IDNA 2008, and its few exceptions (RFC 5892, 2.6).
    /// </summary>
    private static bool IsDomainCharacter(Rune rune) => rune.IsAscii
        ? Rune.IsLetterOrDigit(rune) || rune.Value is '-' or '.'
        : Rune.IsLetter(rune) || rune.Value is 0xB7 or 0x375 or 0x5F3 or 0x5F4 or 0x30FB
            || Rune.GetUnicodeCategory(rune) is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.NonSpacingMark
                or UnicodeCategory.SpacingCombiningMark;

    private static bool IsStable(string ascii) => Idna.GetAscii(Fold(Idna.GetUnicode(ascii))) == ascii;

    private static string Fold(string domain) =>
        UnicodeText.ComposeCompatible(UnicodeText.ComposeCompatible(domain).ToLowerInvariant());

    /// <summary>Whether the top-level domain is a number, which none is: it would be an IP address.</summary>
    private static bool IsNumeric(string domain) => domain.Split('.')[^1].All(char.IsAsciiDigit);
}
