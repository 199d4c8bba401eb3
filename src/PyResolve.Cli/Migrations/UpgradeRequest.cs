using System.Text.RegularExpressions;
using PyResolve.Cli.Base;
using PyResolve.Client;
using PyResolve.Migrators.Protocol;

namespace PyResolve.Cli.Migrations;

/// <param name="Path">As it was given, for messages.</param>
/// <param name="Migrator">The value of <c>--migrator</c>.</param>
internal sealed partial record UpgradeRequest(
    string Library,
    string Target,
    string Path,
    string FullPath,
    MigrationTier Tier,
    FileSelection Selection,
    string? Migrator,
    TimeSpan Grace)
{
    /// <summary>Whether a folder is upgraded, and not one file.</summary>
    public bool IsFolder => Directory.Exists(FullPath);

    /// <summary>The folder that names of files are relative to.</summary>
    public string Root => IsFolder ? FullPath : System.IO.Path.GetDirectoryName(FullPath)!;

    /// <exception cref="CliException">One of them is not what it should be.</exception>
    public static void Check(string library, string target)
    {
        if (!PackageName.IsValid(library))
            throw CliException.Usage($"'{library}' is not a library name.", PackageName.Rule);
        if (!Version.IsMatch(target))
            throw CliException.Usage($"'{target}' is not a version.", "Write it as 2.0 or 2.0.0rc1.");
    }

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9.!+_-]{0,63}\z", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Version { get; }
}
