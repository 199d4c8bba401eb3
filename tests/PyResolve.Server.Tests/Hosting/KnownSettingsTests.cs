using System.Text.RegularExpressions;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Tests.Hosting;

public sealed partial class KnownSettingsTests
{
    [Fact]
    public void Every_setting_that_the_server_reads_is_known_so_that_none_is_called_misspelt()
    {
        var folder = SourceFolder();
        var read = Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
            .Where(static file => !file.Split(Path.DirectorySeparatorChar).Contains("obj") && !Path.GetFileName(file).StartsWith("SettingsTable", StringComparison.Ordinal))
            .SelectMany(static file => Setting().Matches(File.ReadAllText(file)))
            .Select(static match => match.Groups["name"].Value)
            // Sections, whose parts are read one by one.
            .Except(["PyResolve:Plans", "PyResolve:Oidc", "PyResolve:Migrate", "PyResolve:Migrators"])
            .Distinct(StringComparer.Ordinal)
            .ToList();

        read.Count.ShouldBeGreaterThan(20);
        read.Where(name => !KnownSettings.IsKnown(name)).ShouldBeEmpty();
    }

    private static string SourceFolder()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "PyResolve.sln")))
            folder = folder.Parent ?? throw new InvalidOperationException("The tests do not run within the repository.");
        return Path.Combine(folder.FullName, "src", "PyResolve.Server");
    }

    [GeneratedRegex(
        "\"(?<name>PyResolve:[A-Za-z:]+[A-Za-z]|(PYRESOLVE|STRIPE|SUPABASE)_[A-Z_]+[A-Z])\"",
        RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Setting();
}
