using System.IO.Compression;
using System.Reflection;
using System.Reflection.Metadata;
using System.Xml.Linq;

namespace PyResolve.EndToEnd.Tests.Packages;

/// <summary>The content of the package.</summary>
[Collection(nameof(PackedSdk))]
public sealed class PackageContentTests(PackedSdk sdk)
{
    private static readonly string[] Targets = ["netstandard2.0", "net8.0", "net10.0"];

    [Fact]
    public async Task Each_target_depends_on_what_it_needs_and_on_nothing_else()
    {
        var nuspec = await NuspecAsync();

        var groups = Elements(nuspec, "group").ToDictionary(
            group => group.Attribute("targetFramework")!.Value,
            group => group.Elements().Select(dependency => dependency.Attribute("id")!.Value).Order());

        groups.Keys.ShouldBe([".NETStandard2.0", "net8.0", "net10.0"], ignoreOrder: true);
        groups["net10.0"].ShouldBe(["Microsoft.Extensions.Http"]);
        groups["net8.0"].ShouldBe(["Microsoft.Extensions.Http"]);
        groups[".NETStandard2.0"].ShouldBe(
            [
                "Microsoft.Bcl.AsyncInterfaces",
                "Microsoft.Bcl.TimeProvider",
                "Microsoft.Extensions.Http",
                "System.Diagnostics.DiagnosticSource",
                "System.Text.Json",
            ]);
    }

    [Fact]
    public async Task It_has_a_description_a_licence_a_readme_and_an_icon()
    {
        await using var package = await ZipFile.OpenReadAsync(sdk.PackagePath, TestContext.Current.CancellationToken);
        var nuspec = await NuspecAsync();

        string Value(string name) => Elements(nuspec, name).Single().Value;
        (Value("id"), Value("version"), Value("license"), Value("readme"), Value("icon")).ShouldBe(
            ("PyResolve.Client", sdk.Version, "MIT", "README.md", "icon.png"));
        foreach (var text in new[]
        {
            Value("description"),
            Value("authors"),
            Value("tags"),
            Value("projectUrl"),
            Value("releaseNotes"),
            Value("copyright"),
        })
            text.ShouldNotBeNullOrWhiteSpace();
        var names = package.Entries.Select(entry => entry.FullName).ToList();
        names.ShouldContain("README.md");
        names.ShouldContain("icon.png");
        names.Where(name => name.StartsWith("lib/", StringComparison.Ordinal)).ShouldBe(
            Targets.SelectMany(target => new[] { $"lib/{target}/PyResolve.Client.dll", $"lib/{target}/PyResolve.Client.xml" }),
            ignoreOrder: true);
    }

    [Fact]
    public async Task The_symbol_package_has_each_target_with_its_generated_source()
    {
        await using var symbols = await ZipFile.OpenReadAsync(sdk.SymbolsPath, TestContext.Current.CancellationToken);

        var found = symbols.Entries.Where(entry => entry.Name.EndsWith(".pdb", StringComparison.Ordinal)).ToList();

        found.Select(entry => entry.FullName).ShouldBe(Targets.Select(target => $"lib/{target}/PyResolve.Client.pdb"), ignoreOrder: true);
        foreach (var entry in found)
            EmbeddedSources(await ReadAsync(entry)).ShouldContain(
                name => name.Contains("WireJson.", StringComparison.Ordinal), entry.FullName);
    }

    /// <summary>The compiler documents internal code too, which nobody who uses the package can see.</summary>
    [Theory]
    [InlineData("PyResolve.Client")]
    [InlineData("PyResolve.Testing")]
    public async Task The_documentation_is_that_of_public_members_alone_and_of_all_of_them(string name)
    {
        var path = name == "PyResolve.Client" ? sdk.PackagePath : sdk.TestingPackagePath;
        await using var package = await ZipFile.OpenReadAsync(path, TestContext.Current.CancellationToken);
        var members = PublicMembers.Of(Assembly.Load((await ReadAsync(package.GetEntry($"lib/net10.0/{name}.dll")!)).ToArray()));

        foreach (var target in Targets)
        {
            using var text = await ReadAsync(package.GetEntry($"lib/{target}/{name}.xml")!);
            var documented = Elements(XDocument.Load(text), "member").Select(static member => member.Attribute("name")!.Value).ToList();

            documented.Except(members).ShouldBeEmpty(target);
            documented.Count(static member => member.StartsWith("T:", StringComparison.Ordinal)).ShouldBe(
                members.Count(static member => member.StartsWith("T:", StringComparison.Ordinal)), target);
        }
    }

    private static IEnumerable<XElement> Elements(XDocument nuspec, string name) =>
        nuspec.Descendants().Where(element => element.Name.LocalName == name);

    private async Task<XDocument> NuspecAsync()
    {
        await using var package = await ZipFile.OpenReadAsync(sdk.PackagePath, TestContext.Current.CancellationToken);
        await using var stream = await package.GetEntry("PyResolve.Client.nuspec")!.OpenAsync(TestContext.Current.CancellationToken);
        return await XDocument.LoadAsync(stream, LoadOptions.None, TestContext.Current.CancellationToken);
    }

    private static async Task<MemoryStream> ReadAsync(ZipArchiveEntry entry)
    {
        var copy = new MemoryStream();
        await using var stream = await entry.OpenAsync(TestContext.Current.CancellationToken);
        await stream.CopyToAsync(copy, TestContext.Current.CancellationToken);
        copy.Position = 0;
        return copy;
    }

    private static List<string> EmbeddedSources(MemoryStream pdb)
    {
        // The kind of embedded source in the portable PDB format.
        var embeddedSource = new Guid("0e8a571b-6926-466e-b4ad-8ab04611f5fe");
        using var provider = MetadataReaderProvider.FromPortablePdbStream(pdb);
        var reader = provider.GetMetadataReader();
        var documents =
            from handle in reader.CustomDebugInformation
            let information = reader.GetCustomDebugInformation(handle)
            where reader.GetGuid(information.Kind) == embeddedSource && information.Parent.Kind == HandleKind.Document
            select reader.GetDocument((DocumentHandle)information.Parent);
        return [.. documents.Select(document => reader.GetString(document.Name))];
    }
}
