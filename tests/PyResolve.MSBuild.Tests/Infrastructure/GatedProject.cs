using System.Diagnostics;
using System.Text.RegularExpressions;
using PyResolve.EndToEnd.Tests.Packages;

namespace PyResolve.MSBuild.Tests.Infrastructure;

/// <summary>A project of somebody else's, in a repository of its own, that has the package installed.</summary>
internal sealed partial class GatedProject(string folder, Dictionary<string, string?> environment, string version)
{
    public const string Commit = "0123456789abcdef0123456789abcdef01234567";

    private string _targets = "net10.0";
    private string _items = "";

    public string Folder => folder;

    public string File => Path.Combine(folder, "App.csproj");

    public string Home => Path.Combine(folder, "home");

    /// <param name="targets">One target framework, or several.</param>
    /// <param name="content">Properties and items.</param>
    public static string ProjectFile(string version, string targets, string content)
    {
        var property = targets.Contains(';', StringComparison.Ordinal) ? "TargetFrameworks" : "TargetFramework";
        return $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup><{property}>{targets}</{property}></PropertyGroup>
              <ItemGroup>
                <PackageReference Include="PyResolve.MSBuild" Version="{version}" PrivateAssets="all" />
              </ItemGroup>
              {content}
            </Project>
            """;
    }

    public GatedProject WithServer(Uri address, string? apiKey)
    {
        environment["PYRESOLVE_API_URL"] = address.OriginalString;
        environment["PYRESOLVE_API_KEY"] = apiKey;
        environment["PYRESOLVE_HOME"] = Home;
        return this;
    }

    public GatedProject WithTargets(string targets)
    {
        _targets = targets;
        return WithItems("");
    }

    public GatedProject WithMigration(string library = "pydantic", string tier = "tier1", string more = "") =>
        WithItems($"""<PyResolveMigration Include="{library}" TargetVersion="2.0" Tier="{tier}" {more} />""");

    public GatedProject WithVariable(string name, string? value)
    {
        environment[name] = value;
        return this;
    }

    /// <summary>A commit of a repository, as git lays it out.</summary>
    public GatedProject AtCommit(string commit = Commit, string repository = "https://token@example.com/Acme/shop.git") => this
        .WithFile(".git/HEAD", "ref: refs/heads/main\n")
        .WithFile(".git/refs/heads/main", commit + "\n")
        .WithFile(".git/config", $"[core]\n\tbare = false\n[remote \"origin\"]\n\turl = {repository}\n");

    public GatedProject WithFile(string relative, string text)
    {
        var path = Path.Combine(folder, relative);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        System.IO.File.WriteAllText(path, text);
        return this;
    }

    /// <summary>What every build of CI does, and no developer's.</summary>
    public Task<CommandResult> BuildInCiAsync(params string[] arguments) => BuildAsync(["-p:PyResolveEnforce=true", .. arguments]);

    public Task<CommandResult> BuildAsync(params string[] arguments) => DotNetAsync(["build", "--no-restore", .. arguments]);

    public Task<CommandResult> DotNetAsync(params string[] arguments) => Command.RunAsync(
        DotNet.Path, arguments, environment, workingDirectory: folder, cancellationToken: TestContext.Current.CancellationToken);

    /// <summary>A build that goes on in a process group of its own, so that it can be interrupted as by Ctrl+C.</summary>
    public Process StartBuild(params string[] arguments)
    {
        var start = new ProcessStartInfo("setsid", [DotNet.Path, "build", "--no-restore", "-p:PyResolveEnforce=true", .. arguments])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }

    /// <summary>The coded lines of a build, such as <c>error PYR0001</c>, without the summary, which repeats them.</summary>
    public static IReadOnlyList<string> Diagnostics(CommandResult build) =>
        [.. Coded().Matches(Summary().Split(build.Output)[0]).Select(match => match.Groups["code"].Value)];

    /// <summary>Items of the gate are nothing that the compiler reads: the project is no newer than what was built from it.</summary>
    private GatedProject WithItems(string item)
    {
        _items += item;
        WithFile("App.csproj", ProjectFile(version, _targets, $"<ItemGroup>{_items}</ItemGroup>"));
        System.IO.File.SetLastWriteTimeUtc(File, DateTime.UnixEpoch);
        return this;
    }

    [GeneratedRegex("^Build (FAILED|succeeded)", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 1000)]
    private static partial Regex Summary();

    [GeneratedRegex(@"(?<code>(error|warning|message) [A-Z]+\d{4}):", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Coded();
}
