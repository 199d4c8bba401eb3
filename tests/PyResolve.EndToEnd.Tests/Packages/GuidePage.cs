using System.Text.RegularExpressions;

namespace PyResolve.EndToEnd.Tests.Packages;

/// <summary>The fenced code blocks of a guide, by section.</summary>
internal sealed partial class GuidePage(string text)
{
    public static GuidePage Of(string relative) => new(File.ReadAllText(Repository.PathOf(relative)));

    /// <summary>The blocks of one language under a heading of the second level, in order.</summary>
    public IReadOnlyList<string> Blocks(string heading, string language) =>
        [.. Fence()
            .Matches(Section(heading))
            .Where(match => match.Groups["language"].Value == language)
            .Select(match => match.Groups["code"].Value)];

    /// <summary>The headings of the second level.</summary>
    public IReadOnlyList<string> Headings => [.. Heading().Matches(text).Select(match => match.Groups["name"].Value)];

    private string Section(string heading) => Heading().Split(text) is var parts && Array.IndexOf(parts, heading) is >= 0 and var index
        ? parts[index + 1]
        : throw new ArgumentException($"There is no section '{heading}'.", nameof(heading));

    [GeneratedRegex("^## (?<name>.+)$", RegexOptions.Multiline, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Heading();

    [GeneratedRegex(
        "^```(?<language>[a-z]*)\n(?<code>.*?)^```$",
        RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Fence();
}
