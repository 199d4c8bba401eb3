using PyResolve.EndToEnd.Tests;

namespace PyResolve.MSBuild.Tests;

public sealed class DiagnosticsPageTests
{
    [Fact]
    public void Each_diagnostic_has_a_page_and_a_line_of_the_index_and_no_other_page_is_left()
    {
        var folder = Repository.PathOf("docs/diagnostics");
        var index = File.ReadAllText(Path.Combine(folder, "README.md"));

        foreach (var diagnostic in GateDiagnostics.All)
        {
            var page = File.ReadAllText(Path.Combine(folder, $"{diagnostic.Code}.md"));
            page.ShouldStartWith($"# {diagnostic.Code}: {diagnostic.Title}\n\n{diagnostic.Level}. ");
            var level = diagnostic.Level.ToString().ToLowerInvariant();
            index.ShouldContain($"| [{diagnostic.Code}]({diagnostic.Code}.md) | {level} | {diagnostic.Title} |\n");
        }
        Directory.GetFiles(folder, "PYR*.md").Length.ShouldBe(GateDiagnostics.All.Count);
        GateDiagnostics.All.Select(diagnostic => diagnostic.Code)
            .ShouldBe(Enumerable.Range(1, GateDiagnostics.All.Count).Select(i => $"PYR{i:0000}"));
    }
}
