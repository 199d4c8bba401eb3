namespace PyResolve.EndToEnd.Tests.Packages;

/// <summary>Projects that use the package: older frameworks, and trimming.</summary>
[Collection(nameof(PackedSdk))]
public sealed class ConsumerTests(PackedSdk sdk) : IAsyncLifetime
{
    private const string EveryPartsOutput = """
        account you@example.com on free, key from Environment
        denied quota_exceeded
        check llm_not_allowed
        sent 3, pending 0
        used 2 for pydantic
        profiles work
        refused scope_missing 403

        """;

    private ServerProcess _server = null!;
    private FreshFolder _folder = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Package => $"""<PackageReference Include="PyResolve.Client" Version="{sdk.Version}" />""";

    public async ValueTask InitializeAsync()
    {
        _server = await ServerProcess.StartAsync(cancellationToken: Cancellation);
        _folder = sdk.NewFolder().WithServer(_server.Address, await SignUp.ApiKeyAsync(_server));
    }

    [Fact]
    public async Task A_netstandard_library_compiles_and_runs()
    {
        _folder
            .WithFile(
                "Upgrading/Upgrading.csproj",
                Project("netstandard2.0", $"<PropertyGroup><LangVersion>9.0</LangVersion></PropertyGroup><ItemGroup>{Package}</ItemGroup>"))
            .WithFile("Upgrading/Upgrader.cs", Source("Library.cs"))
            .WithFile(
                "Host/Host.csproj",
                Project(
                    "net10.0",
                    """<PropertyGroup><OutputType>Exe</OutputType></PropertyGroup><ItemGroup><ProjectReference Include="../Upgrading/Upgrading.csproj" /></ItemGroup>"""))
            .WithFile("Host/Program.cs", "System.Console.WriteLine(await Upgrading.Upgrader.UpgradeAsync());");

        var run = await _folder.DotNetAsync("run", "--project", "Host");

        (run.Output, run.ExitCode).ShouldBe(("accepted True, sent 1, left 3\n", 0), run.Error);
    }

    [Fact]
    public async Task The_build_for_NET_8_runs_and_the_snippets_of_the_guide_compile()
    {
        _folder
            .WithFile(
                "EveryPart.csproj",
                Project(
                    "net8.0",
                    "<PropertyGroup><OutputType>Exe</OutputType><UseAppHost>false</UseAppHost><RollForward>Major</RollForward>"
                        + $"</PropertyGroup><ItemGroup>{Package}</ItemGroup>"))
            .WithFile("EveryPart.cs", Source("EveryPart.cs"))
            .WithFile("Snippets.cs", Snippets(GuidePage.Of("docs/sdk.md")));

        var run = await _folder.DotNetAsync("run");

        (run.Output, run.ExitCode).ShouldBe((EveryPartsOutput, 0), run.Error);
    }

    [Theory]
    [InlineData("net8.0", "8.0.1")]
    [InlineData("netstandard2.0", "8.0.1")]
    [InlineData("net10.0", "10.0.0")]
    public async Task A_project_that_stays_on_an_old_version_of_a_dependency_is_not_forced_to_a_newer_one(string framework, string version)
    {
        _folder.WithFile("Tool.csproj", Project(
            framework,
            $"""<ItemGroup>{Package}<PackageReference Include="Microsoft.Extensions.Http" Version="{version}" /></ItemGroup>"""));

        var restore = await _folder.DotNetAsync("restore");

        restore.ExitCode.ShouldBe(0, restore.Output);
        restore.Output.ShouldNotContain("NU1605");
    }

    [Fact]
    public async Task A_trimmed_self_contained_single_file_publishes_without_a_warning_and_runs()
    {
        _folder
            .WithFile("EveryPart.csproj", Project("net10.0", $"""
                <PropertyGroup>
                  <OutputType>Exe</OutputType>
                  <RuntimeIdentifier>{FreshFolder.Runtime}</RuntimeIdentifier>
                  <SelfContained>true</SelfContained>
                  <PublishSingleFile>true</PublishSingleFile>
                  <PublishTrimmed>true</PublishTrimmed>
                  <TrimmerSingleWarn>false</TrimmerSingleWarn>
                  <IsAotCompatible>true</IsAotCompatible>
                  <InvariantGlobalization>true</InvariantGlobalization>
                </PropertyGroup>
                <ItemGroup>{Package}</ItemGroup>
                """))
            .WithFile("EveryPart.cs", Source("EveryPart.cs"));

        var publish = await _folder.DotNetAsync("publish", "--output", "published");
        publish.OrThrow("dotnet publish");
        var run = await _folder.RunAsync(_folder.PathOf("published/EveryPart"), []);

        publish.Output.ShouldNotContain("warning", Case.Insensitive);
        Directory.GetFiles(_folder.PathOf("published"), "*.dll").ShouldBeEmpty();
        (run.Output, run.ExitCode).ShouldBe((EveryPartsOutput, 0), run.Error);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private static string Project(string framework, string rest) => $"""
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>
            <TargetFramework>{framework}</TargetFramework>
            <ImplicitUsings Condition="'{framework}' != 'netstandard2.0'">enable</ImplicitUsings>
            <Nullable Condition="'{framework}' != 'netstandard2.0'">enable</Nullable>
            <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
          </PropertyGroup>
          {rest}
        </Project>
        """;

    private static string Source(string name) =>
        File.ReadAllText(Repository.PathOf($"tests/PyResolve.EndToEnd.Tests/Packages/Consumers/{name}"));

    /// <summary>The snippets after the first section, each in its own method: they must compile.</summary>
    private static string Snippets(GuidePage guide)
    {
        var snippets = guide.Headings.Skip(1).SelectMany(heading => guide.Blocks(heading, "csharp")).ToList();
        snippets.Count.ShouldBeGreaterThan(5);
        var methods = snippets.Select(
            (code, i) =>
                $"    static async Task Snippet{i}(PyResolveClient pyresolve, Builder builder, CancellationToken cancellationToken)\n    "
                    + $"{{\n{code}\n        await Task.Yield();\n    }}\n");
        return $$"""
            using Microsoft.Extensions.DependencyInjection;
            using PyResolve.Client;
            using PyResolve.Client.Wire;

            sealed record Builder(IServiceCollection Services);

            static class Snippets
            {
            {{string.Concat(methods)}}
            }
            """;
    }
}
