using System.Text.RegularExpressions;

namespace UtcNow;

/// <summary>Replaces <c>datetime.utcnow()</c> by <c>datetime.now(timezone.utc)</c>, and imports <c>timezone</c> where it is missing.</summary>
public static partial class Rewriter
{
    /// <returns>How many files were changed.</returns>
    public static int RewriteFolder(string folder)
    {
        var changed = 0;
        foreach (var path in Directory.EnumerateFiles(folder, "*.py", SearchOption.AllDirectories))
        {
            var text = File.ReadAllText(path);
            var rewritten = Rewrite(text);
            if (rewritten == text)
                continue;
            File.WriteAllText(path, rewritten);
            changed++;
        }
        return changed;
    }

    public static string Rewrite(string python)
    {
        var text = OfModule.Replace(python, "datetime.datetime.now(datetime.timezone.utc)");
        if (!Import.IsMatch(text))
            return text;
        var rewritten = OfClass.Replace(text, "datetime.now(timezone.utc)");
        return rewritten == text || Timezone.IsMatch(text) ? rewritten : Import.Replace(rewritten, "${import}, timezone", 1);
    }

    [GeneratedRegex(@"\bdatetime\.datetime\.utcnow\(\)", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex OfModule { get; }

    [GeneratedRegex(@"(?<![.\w])datetime\.utcnow\(\)", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex OfClass { get; }

    [GeneratedRegex(
        @"^(?<import>from datetime import (\w+, )*datetime\b(, \w+)*)", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Import { get; }

    [GeneratedRegex(@"^from datetime import .*\btimezone\b", RegexOptions.Multiline, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Timezone { get; }
}
