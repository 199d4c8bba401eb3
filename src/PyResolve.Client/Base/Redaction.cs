using System.Text;

namespace PyResolve.Client;

/// <summary>Makes text from outside safe for a message: one line, of limited length, without keys and session tokens.</summary>
internal static class Redaction
{
    private const int MaxLength = 500;
    private static readonly string[] SecretPrefixes = ["pyr_live_", "pyr_sess_"];

    /// <summary>The first 20 characters of a key, which are enough to distinguish two keys.</summary>
    public static string Key(string key) =>
        key.StartsWith(SecretPrefixes[0], StringComparison.Ordinal) && key.Length >= 40 ? key.Remove(20) + "…" : "…";

    public static string? Line(string? text)
    {
        if (text is null)
            return null;
        var line = new StringBuilder(Math.Min(text.Length, MaxLength) + 1);
        for (var i = 0; i < text.Length && line.Length < MaxLength; i++)
        {
            if (SecretAt(text, i) is { } secret)
            {
                line.Append(secret.Prefix).Append('…');
                i = secret.End - 1;
            }
            else
            {
                line.Append(char.IsControl(text[i]) ? ' ' : text[i]);
            }
        }

        return line.ToString().Trim();
    }

    private static (string Prefix, int End)? SecretAt(string text, int start)
    {
        foreach (var prefix in SecretPrefixes)
        {
            if (string.CompareOrdinal(text, start, prefix, 0, prefix.Length) != 0)
                continue;
            var end = start + prefix.Length;
            while (end < text.Length && (char.IsLetterOrDigit(text[end]) || text[end] is '_' or '-'))
                end++;
            return (prefix, end);
        }

        return null;
    }
}
