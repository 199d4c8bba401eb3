using System.Xml.Linq;

namespace PyResolve.EndToEnd.Tests.Packages;

/// <summary>The package with the fake server in the hands of a tool's author, with the guide's first test typed as it stands there.</summary>
[Collection(nameof(PackedSdk))]
public sealed class TestingPackageTests(PackedSdk sdk)
{
    [Theory]
    [InlineData("net10.0")]
    [InlineData("net8.0")]
    public async Task A_tools_author_tests_a_used_up_quota_without_a_server(string framework)
    {
        var test = GuidePage.Of("docs/testing.md").Blocks("Quota used up", "csharp")[0];
        var folder = sdk.NewFolder()
            .WithFile("Tool.Tests.csproj", Project(framework))
            .WithFile("Tool.cs", File.ReadAllText(Repository.PathOf("tests/PyResolve.EndToEnd.Tests/Packages/Consumers/Tool.cs")))
            .WithFile("ToolTests.cs", $"using PyResolve.Client;\nusing PyResolve.Testing;\nusing Xunit;\n\npublic sealed class ToolTests\n{{\n{test}\n}}\n");

        var run = await folder.DotNetAsync("run", "--", "-noColor");

        run.ExitCode.ShouldBe(0, run.Output + run.Error);
        run.Output.ShouldContain("Total: 1, Errors: 0, Failed: 0");
    }

    private string Project(string framework) => $"""
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>
            <TargetFramework>{framework}</TargetFramework>
            <OutputType>Exe</OutputType>
            <UseAppHost>false</UseAppHost>
            <RollForward>Major</RollForward>
            <ImplicitUsings>enable</ImplicitUsings>
            <Nullable>enable</Nullable>
          </PropertyGroup>
          <ItemGroup>
            <PackageReference Include="PyResolve.Testing" Version="{sdk.Version}" />
            <PackageReference Include="xunit.v3" Version="{VersionOf("xunit.v3")}" />
          </ItemGroup>
        </Project>
        """;

    private static string VersionOf(string package) => XDocument.Load(Repository.PathOf("Directory.Packages.props"))
        .Descendants("PackageVersion").Single(version => version.Attribute("Include")!.Value == package).Attribute("Version")!.Value;
}
