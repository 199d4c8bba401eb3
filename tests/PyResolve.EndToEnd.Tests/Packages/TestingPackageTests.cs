using System.IO.Compression;
using System.Xml.Linq;

namespace PyResolve.EndToEnd.Tests.Packages;

/// <summary>A tool's test project with the package, and the first test of the guide in it.</summary>
[Collection(nameof(PackedSdk))]
public sealed class TestingPackageTests(PackedSdk sdk)
{
    private const string ReferenceAssemblies = "Microsoft.NETFramework.ReferenceAssemblies";

    [Fact]
    public async Task A_used_up_quota_is_tested_without_a_server()
    {
        var test = GuidePage.Of("docs/testing.md").Blocks("Quota used up", "csharp")[0];
        var folder = sdk.NewFolder()
            .WithFile(
                "Upgrader.Tests.csproj",
                Project("net10.0", $"""<PackageReference Include="xunit.v3" Version="{VersionOf("xunit.v3")}" />"""))
            .WithFile("Tool.cs", Source("Tool.cs"))
            .WithFile(
                "ToolTests.cs",
                $"using PyResolve.Client;\nusing PyResolve.Testing;\nusing Xunit;\n\npublic sealed class ToolTests\n{{\n{test}\n}}\n");

        var run = await folder.DotNetAsync("run", "--", "-noColor");

        run.ExitCode.ShouldBe(0, run.Output + run.Error);
        run.Output.ShouldContain("Total: 1, Errors: 0, Failed: 0");
    }

    [Fact]
    public async Task The_build_for_NET_8_runs()
    {
        var folder = sdk.NewFolder()
            .WithFile("Tool.csproj", Project("net8.0", "", "<UseAppHost>false</UseAppHost><RollForward>Major</RollForward>"))
            .WithFile("Tool.cs", Source("Tool.cs"))
            .WithFile("Program.cs", """
                using PyResolve.Testing;

                await using var server = FakePyResolveServer.Start();
                await using var client = server.CreateClient();
                var (exitCode, output) = await Tool.RunAsync(client);
                Console.WriteLine($"{exitCode} {output} {server.Account.MigrationsUsed} used");
                """);

        var run = await folder.DotNetAsync("run");

        (run.Output, run.ExitCode).ShouldBe(("0 Upgraded pydantic. 1 used\n", 0), run.Error);
    }

    [Fact]
    public async Task A_signed_project_for_NET_Framework_compiles_without_a_warning()
    {
        var folder = sdk.NewFolder()
            .WithFile("Tool.csproj", Project(
                "net472",
                $"""<PackageReference Include="{ReferenceAssemblies}" Version="{VersionOf(ReferenceAssemblies)}" PrivateAssets="all" />""",
                $"""
                <LangVersion>latest</LangVersion><TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <SignAssembly>true</SignAssembly><AssemblyOriginatorKeyFile>{Repository.PathOf("PyResolve.snk")}</AssemblyOriginatorKeyFile>
                """))
            .WithFile("Tool.cs", Source("Tool.cs"))
            .WithFile("Program.cs", """
                using PyResolve.Testing;

                await using var server = FakePyResolveServer.Start();
                await using var client = server.CreateClient();
                await Tool.RunAsync(client);
                """);

        var build = await folder.DotNetAsync("build");

        build.ExitCode.ShouldBe(0, build.Output + build.Error);
    }

    [Fact]
    public async Task Each_target_has_documentation()
    {
        await using var package = await ZipFile.OpenReadAsync(sdk.TestingPackagePath, TestContext.Current.CancellationToken);

        package.Entries.Select(entry => entry.FullName).Where(name => name.StartsWith("lib/", StringComparison.Ordinal)).ShouldBe(
            new[] { "netstandard2.0", "net8.0", "net10.0" }
                .SelectMany(target => new[] { $"lib/{target}/PyResolve.Testing.dll", $"lib/{target}/PyResolve.Testing.xml" }),
            ignoreOrder: true);
    }

    private string Project(string framework, string references, string properties = "") => $"""
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>
            <TargetFramework>{framework}</TargetFramework>
            <OutputType>Exe</OutputType>
            <ImplicitUsings>enable</ImplicitUsings>
            <Nullable>enable</Nullable>
            {properties}
          </PropertyGroup>
          <ItemGroup>
            <PackageReference Include="PyResolve.Testing" Version="{sdk.Version}" />
            {references}
          </ItemGroup>
        </Project>
        """;

    private static string Source(string name) =>
        File.ReadAllText(Repository.PathOf($"tests/PyResolve.EndToEnd.Tests/Packages/Consumers/{name}"));

    private static string VersionOf(string package) => XDocument.Load(Repository.PathOf("Directory.Packages.props"))
        .Descendants("PackageVersion").Single(version => version.Attribute("Include")!.Value == package).Attribute("Version")!.Value;
}
