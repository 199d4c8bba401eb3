using System.Globalization;

namespace PyResolve.EndToEnd.Tests.Packages;

/// <summary>Tests that build with the packages run one after another: each one uses every core.</summary>
[CollectionDefinition(nameof(PackedSdk))]
public sealed class PackedSdkTests : ICollectionFixture<PackedSdk>;

/// <summary>
/// The SDK, the fake server and the Stripe simulator, packed as for a release, in a separate feed. The version is new each time, so that no
/// package cache has it.
/// </summary>
public sealed class PackedSdk : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pyresolve-packages-").FullName;

    public string Version { get; } = "0.1." + TimeProvider.System.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);

    public string Feed => Path.Combine(_folder, "feed");

    public string PackagePath => Path.Combine(Feed, $"PyResolve.Client.{Version}.nupkg");

    public string TestingPackagePath => Path.Combine(Feed, $"PyResolve.Testing.{Version}.nupkg");

    public string SymbolsPath => Path.ChangeExtension(PackagePath, ".snupkg");

    public async ValueTask InitializeAsync()
    {
        await PackAsync("src/PyResolve.Client");
        await PackAsync("src/PyResolve.Testing");
        await PackAsync("src/PyResolve.StripeSimulator");
    }

    /// <summary>An empty folder with the feed and this machine's package sources.</summary>
    internal FreshFolder NewFolder()
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, Path.GetRandomFileName())).FullName;
        var machine = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        File.WriteAllText(Path.Combine(folder, "nuget.config"), $"""
            <configuration>
              <packageSources><add key="packed" value="{Feed}" /></packageSources>
              <fallbackPackageFolders><add key="machine" value="{machine}" /></fallbackPackageFolders>
            </configuration>
            """);
        var environment = DotNet.Environment();
        environment["NUGET_PACKAGES"] = Path.Combine(_folder, "packages");
        environment["PYRESOLVE_HOME"] = Path.Combine(folder, "home");
        return new(folder, environment);
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    private async Task PackAsync(string project)
    {
        string[] arguments =
        [
            "pack", project, "--configuration", "Release", "--output", Feed, "--artifacts-path", Path.Combine(_folder, "artifacts"),
            $"-property:PackageVersion={Version}", "-property:RunAnalyzers=false", "-warnaserror", "--verbosity", "quiet",
        ];
        var packed = await Command.RunAsync(
            DotNet.Path,
            arguments,
            DotNet.Environment(),
            workingDirectory: Repository.Root,
            cancellationToken: TestContext.Current.CancellationToken);
        packed.OrThrow("dotnet pack");
    }
}
