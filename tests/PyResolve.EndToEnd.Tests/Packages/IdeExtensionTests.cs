using System.IO.Compression;

namespace PyResolve.EndToEnd.Tests.Packages;

/// <summary>A copy of samples/IdeExtension outside this repository, with the packages, as its README says.</summary>
[Collection(nameof(PackedSdk))]
public sealed class IdeExtensionTests(PackedSdk sdk)
{
    private const string Sample = "samples/IdeExtension";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_is_linted_tested_and_packaged_offline_from_its_lock_file()
    {
        var folder = sdk.NewFolder().WithFile(
            "Directory.Build.props",
            $"<Project><PropertyGroup><PyResolveVersion>{sdk.Version}</PyResolveVersion></PropertyGroup></Project>");
        foreach (var file in Files())
            folder.WithFile(file, await File.ReadAllTextAsync(Repository.PathOf($"{Sample}/{file}"), Cancellation));

        // What ./test has put into npm's cache is all there is.
        var run = await folder.ShellAsync($"export npm_config_offline=true\n{Commands()}");

        run.ExitCode.ShouldBe(0, run.Output + run.Error);
        run.Output.ShouldContain("# fail 0");
        run.Output.ShouldContain("# skipped 0");
        await using var package = await ZipFile.OpenReadAsync(folder.PathOf("Extension/pyresolve.vsix"), Cancellation);
        var names = package.Entries.Select(entry => entry.FullName).ToList();
        names.ShouldContain("extension/out/src/extension.js");
        names.ShouldContain("extension/host/PyResolve.IdeHost.dll");
        names.ShouldContain("extension/host/PyResolve.Client.dll");
        names.ShouldContain("extension/node_modules/vscode-jsonrpc/node.js");
        names.ShouldAllBe(name => !name.EndsWith(".ts", StringComparison.Ordinal) && !name.Contains("/test/", StringComparison.Ordinal));
    }

    [Fact]
    public void Its_lock_file_names_no_address()
    {
        var text = File.ReadAllText(Repository.PathOf($"{Sample}/Extension/package-lock.json"));

        text.ShouldContain("\"integrity\": \"sha512-");
        text.ShouldNotContain("\"resolved\":");
    }

    private static IEnumerable<string> Files() => Directory
        .EnumerateFiles(Repository.PathOf(Sample), "*", SearchOption.AllDirectories)
        .Select(file => Path.GetRelativePath(Repository.PathOf(Sample), file).Replace('\\', '/'))
        .Where(file => !file.Split('/').Any(part => part is "bin" or "obj" or "node_modules" or "out" or "host"))
        .Where(file => !file.EndsWith(".vsix", StringComparison.Ordinal));

    private static string Commands() =>
        new GuidePage("## Run\n" + File.ReadAllText(Repository.PathOf($"{Sample}/README.md"))).Blocks("Run", "sh").Single();
}
