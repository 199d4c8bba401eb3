using System.Text.RegularExpressions;

namespace PyResolve.EndToEnd.Tests;

/// <summary>Links and file names in the documentation are valid.</summary>
public sealed partial class DocumentationTests
{
    private static readonly string Root = Repository.Root;

    private static readonly List<string> Files = [.. FilesIn(Root).Select(file => Path.GetRelativePath(Root, file).Replace('\\', '/'))];

    public static TheoryData<string> Pages => [.. Files.Where(file => file.EndsWith(".md", StringComparison.Ordinal))];

    [Theory, MemberData(nameof(Pages))]
    public void Every_relative_link_leads_to_a_file_and_its_heading(string page)
    {
        foreach (var target in Link().Matches(TextOf(page)).Select(match => match.Groups["target"].Value).Where(IsRelative))
        {
            var (path, heading) = target.Split('#', 2) is [var before, var after] ? (before, after) : (target, "");
            var file = path.Length == 0
                ? page
                : Path.GetRelativePath(Root, Path.GetFullPath(Path.Combine(Root, Path.GetDirectoryName(page)!, path))).Replace('\\', '/');
            (File.Exists(Path.Combine(Root, file)) || Directory.Exists(Path.Combine(Root, file))).ShouldBeTrue($"{page} links to {target}");
            if (heading.Length > 0)
                Headings(file).ShouldContain(heading, $"{page} links to {target}");
        }
    }

    [Theory, MemberData(nameof(Pages))]
    public void Every_file_that_a_page_names_exists(string page)
    {
        foreach (var name in NamedFile().Matches(TextOf(page)).Select(match => match.Groups["name"].Value))
        {
            var pattern = new Regex(
                $"(^|[/.]){Regex.Escape(name).Replace("\\*", "[^/]*", StringComparison.Ordinal)}$",
                RegexOptions.ExplicitCapture,
                TimeSpan.FromSeconds(1));
            Files.Any(pattern.IsMatch).ShouldBeTrue($"{page} names {name}");
        }
    }

    [Fact]
    public void The_index_lists_every_decision_with_its_title()
    {
        var index = TextOf("docs/decisions/README.md");
        foreach (var page in Files.Where(file => DecisionFile().IsMatch(file)))
        {
            var title = DecisionTitle().Match(TextOf(page)).Groups["title"].Value;
            index.ShouldContain($"]({Path.GetFileName(page)}) | {title} |", customMessage: page);
        }
    }

    [Fact]
    public void The_pages_are_found()
    {
        Pages.Count.ShouldBeGreaterThan(20);
        Link().Count(TextOf("docs/decisions/README.md")).ShouldBeGreaterThan(5);
        NamedFile().Matches("in `Storage/SqliteEngine.cs` and").Single().Groups["name"].Value.ShouldBe("Storage/SqliteEngine.cs");
    }

    private static bool IsRelative(string target) =>
        !target.Contains("://", StringComparison.Ordinal) && !target.StartsWith("mailto:", StringComparison.Ordinal);

    private static string TextOf(string page) => File.ReadAllText(Path.Combine(Root, page));

    /// <summary>The anchors that GitHub generates.</summary>
    private static IEnumerable<string> Headings(string page) =>
        Heading()
            .Matches(TextOf(page))
            .Select(match => NoAnchor().Replace(match.Groups["text"].Value.Trim().ToLowerInvariant(), "").Replace(' ', '-'));

    private static IEnumerable<string> FilesIn(string folder) => Directory.EnumerateFiles(folder).Concat(
        from inner in Directory.EnumerateDirectories(folder)
        where Path.GetFileName(inner) is not (".git" or "bin" or "obj" or "artifacts" or "node_modules")
        from file in FilesIn(inner)
        select file);

    [GeneratedRegex(@"^docs/decisions/\d{4}-[a-z0-9-]+\.md$", RegexOptions.None, 1000)]
    private static partial Regex DecisionFile();

    [GeneratedRegex(@"\A# \d{4}: (?<title>.+)$", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 1000)]
    private static partial Regex DecisionTitle();

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Link();

    [GeneratedRegex(
        @"`(?<name>[\w.*-]+(/[\w.*-]+)+\.(cs|csproj|md|sql|props|targets|json|py|toml|yml|yaml|sh))`", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex NamedFile();

    [GeneratedRegex(@"^#+ (?<text>.+)$", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 1000)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\w\- ]", RegexOptions.None, 1000)]
    private static partial Regex NoAnchor();
}
