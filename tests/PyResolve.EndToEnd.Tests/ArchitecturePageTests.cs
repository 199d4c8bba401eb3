using System.Reflection;
using System.Text.RegularExpressions;

namespace PyResolve.EndToEnd.Tests;

/// <summary>
/// docs/architecture.md names files as <c>Keys/ApiKeyVerifier.cs</c> and methods as <c>VerifyAsync()</c>. A method belongs to the last file
/// named before it, and a file to the project of its section. A picture has one node for each folder, and one for the files beside the
/// project file.
/// </summary>
public sealed partial class ArchitecturePageTests
{
    /// <summary>The folder of files that two projects share.</summary>
    private const string Linked = "linked";

    private static readonly string Page = File.ReadAllText(Repository.PathOf("docs/architecture.md"));

    [Fact]
    public void Every_file_and_method_that_the_page_names_exists()
    {
        var (files, methods) = (0, 0);
        foreach (var section in Heading().Split(Page).Skip(1))
        {
            var project = Project().Match(section).Groups["project"].Value;
            string? file = null;
            foreach (var name in Name().Matches(section).Select(match => match.Groups["name"].Value))
            {
                if (name.EndsWith(".cs", StringComparison.Ordinal))
                {
                    file = name.StartsWith("src/", StringComparison.Ordinal) ? name : $"{project}/{name}";
                    File.Exists(Repository.PathOf(file)).ShouldBeTrue($"docs/architecture.md names {file}");
                    files++;
                }
                else
                {
                    var method = name[..^"()".Length];
                    file.ShouldNotBeNull($"docs/architecture.md names {name} before any file");
                    Declares(File.ReadAllText(Repository.PathOf(file)), method).ShouldBeTrue(
                        $"docs/architecture.md names {method} in {file}");
                    methods++;
                }
            }
        }

        files.ShouldBeGreaterThan(40);
        methods.ShouldBeGreaterThan(40);
    }

    [Theory]
    [InlineData("PyResolve.Client")]
    [InlineData("PyResolve.Server")]
    [InlineData("pyresolve")]
    public void A_picture_shows_how_the_folders_depend_on_each_other(string assembly)
    {
        var path = ProgramPath(assembly);
        var project = assembly == "pyresolve" ? "src/PyResolve.Cli" : $"src/{assembly}";
        var graph = FolderGraph.Read(Assembly.LoadFrom(path), project);
        var arrows = Arrows(project);
        var reachable = arrows.Select(arrow => arrow.From).Distinct().ToDictionary(folder => folder, folder => Reachable(folder, arrows));
        var used = graph.References.Select(reference => (From: reference.FromFolder, To: reference.ToFolder))
            .Where(use => use.To != Linked && use.From != Linked)
            .Distinct()
            .ToList();

        arrows.SelectMany(arrow => new[] { arrow.From, arrow.To }).Distinct().ShouldBe(graph.Folders.Remove(Linked), ignoreOrder: true);
        arrows.Except(used).ShouldBeEmpty("The picture has arrows that no type needs.");
        used.Where(use => !(reachable.TryGetValue(use.From, out var folders) && folders.Contains(use.To)))
            .ShouldBeEmpty("The picture lacks arrows.");
    }

    [Theory]
    [InlineData("    public static async Task<int> RunAsync(string text)", true)]
    [InlineData("    Task RunAsync<T>(T text);", true)]
    [InlineData("        await RunAsync(text);", false)]
    [InlineData("        return RunAsync(text);", false)]
    [InlineData("        // to RunAsync(text)", false)]
    public void Declarations_and_calls_are_distinguished(string line, bool isDeclaration) =>
        Declares(line, "RunAsync").ShouldBe(isDeclaration);

    private static string ProgramPath(string assembly) => assembly switch
    {
        "PyResolve.Server" => ServerProcess.Assembly,
        "PyResolve.Client" => Path.Combine(Path.GetDirectoryName(ServerProcess.Assembly)!, "PyResolve.Client.dll"),
        _ => typeof(ArchitecturePageTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(m => m.Key == assembly).Value!,
    };

    /// <summary>The arrows of a project's picture, written as <c>A --> B &amp; C</c>.</summary>
    private static List<(string From, string To)> Arrows(string project)
    {
        var section = Heading()
            .Split(Page)
            .Single(part => Project().Match(part).Groups["project"].Value == project && Picture().IsMatch(part));
        var lines = Picture().Match(section).Groups["lines"].Value.Split(
            '\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var root = lines.Select(line => Root().Match(line)).First(match => match.Success).Groups["node"].Value;
        return
        [
            .. from line in lines
               let sides = Label().Replace(line, "").Split(" --> ")
               where sides.Length == 2
               from start in sides[0].Split(" & ")
               from end in sides[1].Split(" & ")
               select (start == root ? "." : start, end == root ? "." : end),
        ];
    }

    private static HashSet<string> Reachable(string start, List<(string From, string To)> arrows)
    {
        var reached = new HashSet<string>();
        var open = new Queue<string>([start]);
        while (open.TryDequeue(out var folder))
        {
            foreach (var (_, end) in arrows.Where(arrow => arrow.From == folder && reached.Add(arrow.To)))
                open.Enqueue(end);
        }

        return reached;
    }

    private static bool Declares(string code, string method) => Regex.IsMatch(
        code,
        $@"^\s+(?!await |return |throw |new |yield )(?:[\w.<>\[\]?,()]+ )*[\w.<>\[\]?,()]+ {method}(<[\w, ]+>)?\(",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture,
        TimeSpan.FromSeconds(10));

    [GeneratedRegex("^## ", RegexOptions.Multiline, 1000)]
    private static partial Regex Heading();

    [GeneratedRegex(
        "^```mermaid\nflowchart TD\n(?<lines>.*?)^```$",
        RegexOptions.ExplicitCapture | RegexOptions.Multiline | RegexOptions.Singleline,
        1000)]
    private static partial Regex Picture();

    /// <summary>The node of the files beside the project file; every other node is a folder's name.</summary>
    [GeneratedRegex(@"^(?<node>\w+)\[""the files beside the project file""\]", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Root();

    [GeneratedRegex(@"\[""[^""]*""\]", RegexOptions.None, 1000)]
    private static partial Regex Label();

    /// <summary>The first project that a section names.</summary>
    [GeneratedRegex(@"`(?<project>src/[\w.]+)`", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Project();

    [GeneratedRegex(@"`(?<name>[\w./]+\.cs|\w+\(\))`", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Name();
}
