using System.Reflection;
using System.Runtime.InteropServices;

namespace PyResolve.Benchmarks.Tests;

/// <summary>Checks that the program works. It measures for a fraction of a second only, so its figures are not checked.</summary>
public sealed class BenchmarkProgramTests : IDisposable
{
    private static readonly string Program = TestedProgram("PyResolve.Benchmarks");

    private static readonly string DotNet = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../../dotnet"));

    private readonly string _folder = Directory.CreateTempSubdirectory("pyresolve-benchmarks-test-").FullName;

    /// <summary>The built server, because publishing takes a minute and adds nothing to the test.</summary>
    private static readonly string BuiltServer = Path.GetDirectoryName(ServerProcess.Assembly)!;

    private string Page => Path.Combine(_folder, "performance.md");

    [Fact]
    public async Task Every_scenario_is_measured_and_replaces_its_section_of_the_page()
    {
        await File.WriteAllTextAsync(
            Page,
            "Before.\n\n<!-- benchmark: flood -->\nold figures\n<!-- end of flood -->\n\nAfter.\n",
            TestContext.Current.CancellationToken);

        var result = await RunAsync(
            "--rounds", "1", "--seconds", "0.1", "--connections", "4", "--keys", "200", "--minutes", "0.02", "--events", "2000",
            "--server", BuiltServer, "--before", BuiltServer, "--output", Page);

        result.OrThrow("The benchmark");
        var page = await File.ReadAllTextAsync(Page, TestContext.Current.CancellationToken);
        page.ShouldStartWith("Before.\n\n<!-- benchmark: flood -->\n");
        page.ShouldContain("<!-- end of flood -->\n\nAfter.\n");
        page.ShouldNotContain("old figures");
        string[] rows =
        [
            "| the same, on the product's host and behind the key check | ",
            "| wrong secrets on a valid prefix | ",
            "| the server's GET /quota | ",
            "| managed memory | ",
            "| binary COPY into the same table, one connection | ",
            "| none: idle | ",
            "| restore of SQLite into PostgreSQL | ",
            "| POST /quota/reservations, one account, c=32 | ",
            "| schema, 2,000 events | SQLite, seconds | PostgreSQL, seconds |",
        ];
        foreach (var row in rows)
            page.ShouldContain(row);
    }

    [Fact]
    public async Task A_comparison_without_an_earlier_server_says_how_to_name_one()
    {
        var result = await RunAsync("compare", "--rounds", "1", "--server", BuiltServer, "--output", Page);

        result.ExitCode.ShouldBe(1);
        result.Error.ShouldContain("Name a folder with an earlier server, published: --before <folder>.");
        File.Exists(Page).ShouldBeFalse();
    }

    [Fact]
    public async Task SDK_calls_are_measured_and_replace_their_section_of_the_page()
    {
        await File.WriteAllTextAsync(
            Page, "Before.\n\n<!-- benchmark: sdk -->\nold figures\n<!-- end of sdk -->\n", TestContext.Current.CancellationToken);

        var result = await Command.RunAsync(
            DotNet,
            [TestedProgram("PyResolve.Client.Benchmarks"), "--quick", "--output", Page],
            cancellationToken: TestContext.Current.CancellationToken);

        result.OrThrow("The benchmark");
        var page = await File.ReadAllTextAsync(Page, TestContext.Current.CancellationToken);
        page.ShouldStartWith("Before.\n\n<!-- benchmark: sdk -->\n");
        page.ShouldNotContain("old figures");
        foreach (var row in new[] { "| `CheckAsync` from a warm entry | ", "| `Report` | ", "| `ApiKeyStore` read | " })
            page.ShouldContain(row);
    }

    [Fact]
    public async Task An_unknown_scenario_is_refused_before_anything_starts()
    {
        var result = await RunAsync("no-such-scenario", "--output", Page);

        result.ExitCode.ShouldBe(1);
        result.Error.ShouldContain("no-such-scenario");
        File.Exists(Page).ShouldBeFalse();
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static string TestedProgram(string name) =>
        typeof(BenchmarkProgramTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(m => m.Key == name).Value!;

    private static Task<CommandResult> RunAsync(params string[] arguments) =>
        Command.RunAsync(DotNet, [Program, .. arguments], cancellationToken: TestContext.Current.CancellationToken);
}
