using System.Text;

namespace PyResolve.Client;

/// <summary>Makes text from outside safe for a message: one line, of limited length, without keys, session tokens and the user names and
/// passwords in URLs.</summary>
internal static class Redaction
{
    private const int MaxLength = 500;
    private static readonly string[] SecretPrefixes = ["pyr_live_", "pyr_sess_"];

    /// <summary>The first 20 characters of a key, which are enough to distinguish two keys.</summary>
    public static string Key(string key) =>
        key.StartsWith(SecretPrefixes[0], StringComparison.Ordinal) && key.Length >= 40 ? key.Remove(20) + "…" : "…";

    /// <summary>Whether a text has nothing that <see cref="Line"/> would leave out as secret.</summary>
    public static bool IsSafe(string text) =>
        UserInfoIn(text, 0) is null && !Array.Exists(SecretPrefixes, text.Contains);

    public static Uri WithoutUserInfo(Uri url) =>
        url.UserInfo.Length == 0 ? url : new UriBuilder(url) { UserName = "", Password = "" }.Uri;

    public static string? Line(string? text)
    {
        if (text is null)
            return null;
        text = WithoutUserInfo(text);
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

    private static string WithoutUserInfo(string text)
    {
        for (var from = 0; UserInfoIn(text, from) is { } found; from = found.Start + 1)
            text = text.Remove(found.Start, found.End - found.Start).Insert(found.Start, "…");
        return text;
    }

    /// <summary>The next user info in a URL: what is between "://" and the last "@" before the path. A password may have any other
    /// character there, spaces included, since a text shows a URL unescaped.</summary>
    private static (int Start, int End)? UserInfoIn(string text, int from)
    {
        while (from < text.Length && text.IndexOf("://", from, StringComparison.Ordinal) is >= 0 and var mark)
        {
            var start = mark + 3;
            var end = text.IndexOfAny(['/', '?', '#', '\r', '\n'], start);
            var at = text.LastIndexOf('@', (end < 0 ? text.Length : end) - 1, (end < 0 ? text.Length : end) - start);
            if (at > start && !(at == start + 1 && text[start] == '…'))
                return (start, at);
            from = start;
        }

        return null;
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
