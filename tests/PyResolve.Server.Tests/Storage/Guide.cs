using System.Text.RegularExpressions;

namespace PyResolve.Server.Tests.Storage;

/// <summary>The commands of a page of the documentation.</summary>
internal static partial class Guide
{
    public static string Root { get; } = FindRoot();

    public static string Text(string page) => File.ReadAllText(PathOf(page));

    public static List<string> Blocks(string page, string language) =>
    [
        .. Fence().Matches(File.ReadAllText(PathOf(page)))
            .Where(match => match.Groups["language"].Value == language)
            .Select(match => match.Groups["text"].Value),
    ];

    /// <summary>The one block with a given text: another place in the page must not run another command.</summary>
    public static string Block(string page, string language, string text) =>
        Blocks(page, language).Single(block => block.Contains(text, StringComparison.Ordinal));

    /// <summary>The lines that begin with a text, also in a list, each with a number of lines after it.</summary>
    public static List<string> Lines(string page, string start, int following = 0)
    {
        var lines = File.ReadAllLines(PathOf(page)).Select(static line => line.Trim()).ToList();
        return
        [
            .. Enumerable.Range(0, lines.Count)
                .Where(place => lines[place].StartsWith(start, StringComparison.Ordinal))
                .SelectMany(place => lines.Skip(place).Take(following + 1)),
        ];
    }

    public static string PathOf(string page) => Path.Combine(Root, "docs", page);

    private static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "PyResolve.sln")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("These tests run in a folder of the repository.");
        return folder;
    }

    [GeneratedRegex(
        "^```(?<language>[a-z]+)\n(?<text>.*?)^```$",
        RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Fence();
}
