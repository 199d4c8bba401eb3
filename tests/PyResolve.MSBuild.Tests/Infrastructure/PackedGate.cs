using System.Globalization;
using System.Runtime.InteropServices;
using PyResolve.EndToEnd.Tests;
using PyResolve.EndToEnd.Tests.Packages;

namespace PyResolve.MSBuild.Tests.Infrastructure;

/// <summary>
/// The package, in a separate feed, and a project that has it installed, restored and built. Tests take copies of that project. The version
/// is new each time, so that no package cache has it.
/// </summary>
public sealed class PackedGate : IAsyncLifetime
{
    /// <summary>Without the commit and the folder in what the compiler reads, no copy is compiled again.</summary>
    private const string SameOutputInEveryFolder = """
        <Project>
          <PropertyGroup>
            <EnableSourceControlManagerQueries>false</EnableSourceControlManagerQueries>
            <GenerateMSBuildEditorConfigFile>false</GenerateMSBuildEditorConfigFile>
          </PropertyGroup>
        </Project>
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("pyresolve-gate-").FullName;
    private int _copies;

    /// <summary>Its place below the package's <c>tools/native</c>, on a machine like this one.</summary>
    public static string NativeWorkerHere =>
        $"{RuntimeInformation.RuntimeIdentifier}/PyResolve.Gate{(OperatingSystem.IsWindows() ? ".exe" : "")}";

    public string Version { get; } = "0.1." + TimeProvider.System.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);

    public string PackagePath => Path.Combine(_folder, "feed", $"PyResolve.MSBuild.{Version}.nupkg");

    private string Template => Path.Combine(_folder, "template");

    public async ValueTask InitializeAsync()
    {
        await RunAsync(
            Repository.Root,
            "pack", "src/PyResolve.MSBuild", "--no-build", "--configuration", "Debug", "--output", Path.Combine(_folder, "feed"),
            $"-property:PackageVersion={Version}", "-warnaserror", "--verbosity", "quiet");
        await WriteNuGetConfigAsync(_folder);
        await File.WriteAllTextAsync(Path.Combine(_folder, "Directory.Build.props"), SameOutputInEveryFolder);
        Directory.CreateDirectory(Template);
        await File.WriteAllTextAsync(Path.Combine(Template, "App.csproj"), GatedProject.ProjectFile(Version, "net10.0", ""));
        await File.WriteAllTextAsync(Path.Combine(Template, "Code.cs"), "public static class Code\n{\n}\n");
        await RunAsync(Template, "build");
    }

    /// <summary>A project with the package, built before the gate had anything to do.</summary>
    internal GatedProject NewProject()
    {
        var project = new GatedProject(NewFolder(), Environment(), Version);
        CopyTo(project.Folder);
        return project;
    }

    /// <summary>An empty folder with the feed.</summary>
    internal string NewFolder() =>
        Directory.CreateDirectory(Path.Combine(_folder, $"project{Interlocked.Increment(ref _copies)}")).FullName;

    /// <summary>The template's files, of which each build makes its own.</summary>
    internal void CopyTo(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(Template, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(folder, Path.GetRelativePath(Template, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }

    /// <summary>Of a developer's machine, outside any CI system.</summary>
    internal Dictionary<string, string?> Environment()
    {
        var environment = DotNet.Environment();
        foreach (var name in System.Environment.GetEnvironmentVariables().Keys.Cast<string>())
        {
            string[] prefixes = ["CI_", "GITHUB_", "GITLAB_", "BUILD_", "SYSTEM_"];
            if (name is "CI" or "TF_BUILD" || prefixes.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal)))
                environment[name] = null;
        }
        environment["NUGET_PACKAGES"] = Path.Combine(_folder, "packages");
        return environment;
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    private static Task WriteNuGetConfigAsync(string folder)
    {
        var machine = System.Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(System.Environment.GetFolderPath(System.Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        return File.WriteAllTextAsync(Path.Combine(folder, "nuget.config"), $"""
            <configuration>
              <packageSources><add key="packed" value="{Path.Combine(folder, "feed")}" /></packageSources>
              <fallbackPackageFolders><add key="machine" value="{machine}" /></fallbackPackageFolders>
            </configuration>
            """);
    }

    private async Task RunAsync(string folder, params string[] arguments)
    {
        var result = await Command.RunAsync(
            DotNet.Path, arguments, Environment(), workingDirectory: folder, cancellationToken: TestContext.Current.CancellationToken);
        result.OrThrow($"dotnet {arguments[0]}");
    }
}
