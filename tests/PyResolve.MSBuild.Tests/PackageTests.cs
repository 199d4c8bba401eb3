using System.IO.Compression;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Xml.Linq;
using PyResolve.EndToEnd.Tests;
using PyResolve.MSBuild.Tests.Infrastructure;

namespace PyResolve.MSBuild.Tests;

/// <summary>The package itself, and what it does to a project that installs it.</summary>
public sealed class PackageTests(PackedGate gate)
{
    [Fact]
    public async Task Its_contents_are_those_that_were_approved()
    {
        await using var package = await ZipFile.OpenReadAsync(gate.PackagePath, TestContext.Current.CancellationToken);

        var files = package.Entries.Select(entry => entry.FullName)
            .Where(name => !name.StartsWith("_rels/", StringComparison.Ordinal) && !name.StartsWith("package/", StringComparison.Ordinal))
            .Where(name => name != "[Content_Types].xml")
            .Order(StringComparer.Ordinal);

        var approved = await File.ReadAllTextAsync(
            Repository.PathOf("tests/PyResolve.MSBuild.Tests/PackageContents.approved.txt"), TestContext.Current.CancellationToken);
        var expected = approved.Replace("linux-x64/PyResolve.Gate\n", PackedGate.NativeWorkerHere + "\n", StringComparison.Ordinal);
        (string.Join('\n', files) + "\n").ShouldBe(expected, "Is the worker older? .ci/native gate makes the native one.");
    }

    [Fact]
    public async Task It_has_no_dependency_and_installs_itself_as_a_development_dependency()
    {
        await using var package = await ZipFile.OpenReadAsync(gate.PackagePath, TestContext.Current.CancellationToken);
        await using var stream = await package.GetEntry("PyResolve.MSBuild.nuspec")!.OpenAsync(TestContext.Current.CancellationToken);
        var nuspec = await XDocument.LoadAsync(stream, LoadOptions.None, TestContext.Current.CancellationToken);

        string? Value(string name) => nuspec.Descendants().SingleOrDefault(element => element.Name.LocalName == name)?.Value;

        nuspec.Descendants().Where(element => element.Name.LocalName == "dependency").ShouldBeEmpty();
        (Value("developmentDependency"), Value("license"), Value("readme"), Value("icon"))
            .ShouldBe(("true", "MIT", "README.md", "icon.png"));
    }

    [Fact]
    public async Task The_task_is_signed_and_references_nothing_but_MSBuild()
    {
        await using var package = await ZipFile.OpenReadAsync(gate.PackagePath, TestContext.Current.CancellationToken);
        var entry = package.GetEntry("tasks/netstandard2.0/PyResolve.MSBuild.dll")!;
        using var copy = new MemoryStream();
        await using (var stream = await entry.OpenAsync(TestContext.Current.CancellationToken))
            await stream.CopyToAsync(copy, TestContext.Current.CancellationToken);
        copy.Position = 0;
        using var assembly = new PEReader(copy);
        var metadata = assembly.GetMetadataReader();

        var references = metadata.AssemblyReferences
            .Select(handle => metadata.GetString(metadata.GetAssemblyReference(handle).Name)).Order();

        references.ShouldBe(["Microsoft.Build.Framework", "Microsoft.Build.Utilities.Core", "netstandard"]);
        metadata.GetAssemblyDefinition().PublicKey.IsNil.ShouldBeFalse();
    }

    [Fact]
    public async Task A_new_project_installs_it_as_the_readme_says_and_gets_nothing_into_its_output()
    {
        var project = new GatedProject(gate.NewFolder(), gate.Environment(), gate.Version);
        (await project.DotNetAsync("new", "classlib", "--name", "App", "--output", ".")).OrThrow("dotnet new");
        (await project.DotNetAsync("add", "package", "PyResolve.MSBuild", "--version", gate.Version)).OrThrow("dotnet add package");
        var text = await File.ReadAllTextAsync(project.File, TestContext.Current.CancellationToken);
        var item = """  <ItemGroup><PyResolveMigration Include="pydantic" TargetVersion="2.0" Tier="tier1" /></ItemGroup>""";
        project.WithFile("App.csproj", text.Replace("</Project>", $"{item}\n</Project>", StringComparison.Ordinal)).AtCommit();

        var build = await project.DotNetAsync("build", "-clp:NoSummary", "-p:PyResolveEnforce=true", "-warnaserror");

        build.ExitCode.ShouldBe(0, build.Output);
        build.Output.ShouldContain("PyResolve: pydantic 2.0 (tier1) is not metered without an API key.");
        var output = Path.Combine(project.Folder, "bin/Debug");
        Directory.GetFiles(Directory.GetDirectories(output).Single()).Select(Path.GetFileName)
            .ShouldBe(["App.deps.json", "App.dll", "App.pdb"], ignoreOrder: true);
        var dependencies = Directory.GetFiles(output, "App.deps.json", SearchOption.AllDirectories).Single();
        (await File.ReadAllTextAsync(dependencies, TestContext.Current.CancellationToken)).ShouldNotContain("PyResolve");
    }
}
