using System.Text.RegularExpressions;
using PyResolve.EndToEnd.Tests;
using PyResolve.MSBuild.Tests.Infrastructure;

namespace PyResolve.MSBuild.Tests;

/// <summary>samples/BuildGate, with the packed package.</summary>
public sealed partial class SampleTests(PackedGate gate, GateServer server)
{
    private static readonly string Sample = Repository.PathOf("samples/BuildGate");

    [Fact]
    public async Task It_builds_is_charged_once_and_upgrades_its_models_as_its_readme_says()
    {
        await using var account = await GateAccount.SignUpAsync(server, "free");
        var project = Copy().AtCommit().WithServer(account.Address, account.ApiKey);
        var readme = await File.ReadAllTextAsync(Path.Combine(Sample, "README.md"), TestContext.Current.CancellationToken);
        var arguments = Commands().Matches(readme)
            .Select(match => match.Groups["arguments"].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries)).ToList();

        var builds = new List<CommandResult>();
        foreach (var command in arguments)
            builds.Add(await project.DotNetAsync(["build", .. command]));

        builds.Count.ShouldBe(3);
        builds.ShouldAllBe(build => build.ExitCode == 0, string.Join('\n', builds.Select(build => build.Output)));
        builds[0].Output.ShouldContain("PyResolve: free plan, 0/5 used, 5 remaining. Nothing is charged here");
        builds[1].Output.ShouldContain("pydantic 2.0 (tier1) is charged: free plan, 1/5 used");
        builds[2].Output.ShouldContain("was charged for this commit before");
        (await File.ReadAllTextAsync(Path.Combine(project.Folder, "models/user.py"), TestContext.Current.CancellationToken))
            .ShouldContain("@field_validator(\"name\")");
    }

    [Theory]
    [InlineData(".github/workflows/build.yml")]
    [InlineData(".gitlab-ci.yml")]
    [InlineData("azure-pipelines.yml")]
    public void Each_CI_system_builds_and_gets_the_key_from_a_secret(string workflow)
    {
        var text = File.ReadAllText(Path.Combine(Sample, workflow));

        text.ShouldContain("dotnet build");
        text.ShouldContain("PYRESOLVE_API_KEY");
        text.ShouldNotContain("pyr_live_");
        foreach (Match use in Uses().Matches(text))
            use.Groups["version"].Value.ShouldMatch(@"^[0-9a-f]{40} # v\d+\.\d+\.\d+$");
    }

    /// <summary>With the version that was packed for these tests.</summary>
    private GatedProject Copy()
    {
        var folder = gate.NewFolder();
        foreach (var file in Directory.EnumerateFiles(Sample, "*", SearchOption.AllDirectories))
        {
            var relative = Path.GetRelativePath(Sample, file);
            if (relative.Split(Path.DirectorySeparatorChar)[0] is "bin" or "obj")
                continue;
            var copy = Path.Combine(folder, relative);
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            var text = File.ReadAllText(file).Replace("Version=\"0.1.0\"", $"Version=\"{gate.Version}\"", StringComparison.Ordinal);
            File.WriteAllText(copy, text);
        }
        return new GatedProject(folder, gate.Environment(), gate.Version);
    }

    /// <summary>The options of each build. The feed is that of the tests.</summary>
    [GeneratedRegex(
        @"^dotnet build samples/BuildGate(?<arguments>( --no-restore| -p:PyResolve\w+=\w+)*)",
        RegexOptions.ExplicitCapture | RegexOptions.Multiline,
        1000)]
    private static partial Regex Commands();

    [GeneratedRegex(@"uses: \S+@(?<version>.*)$", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 1000)]
    private static partial Regex Uses();
}
