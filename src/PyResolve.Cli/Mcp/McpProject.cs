using PyResolve.Cli.Base;
using PyResolve.Cli.Migrations;
using PyResolve.Client;
using PyResolve.Migrators.Protocol;

namespace PyResolve.Cli.Mcp;

/// <summary>The folder that upgrades keep to.</summary>
/// <param name="root">Its full path; <see langword="null"/> where none was named, and the current folder is not a project.</param>
internal sealed class McpProject(string? root)
{
    /// <summary>Shorter than that of <c>upgrade</c>: clients kill a server some 5 seconds after they closed its input.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(3);

    /// <summary>Without <c>--root</c>: the current folder, unless a client has started this program just anywhere.</summary>
    public static string? FindDefaultRoot()
    {
        var here = Environment.CurrentDirectory;
        var isAnywhere = here == Path.GetPathRoot(here) || here == Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return isAnywhere ? null : here;
    }

    /// <exception cref="CliException">An argument is wrong, or leads out of the project.</exception>
    public UpgradeRequest Read(McpArguments arguments)
    {
        var (library, target) = (arguments.GetText("library"), arguments.GetText("target"));
        UpgradeRequest.Check(library, target);
        var path = arguments.FindText("path") ?? ".";
        return new UpgradeRequest(
            library, target, path, Resolve(path), ReadTier(arguments), ReadSelection(arguments), Migrator: null, Grace);
    }

    private string Resolve(string path)
    {
        if (root is null)
        {
            throw CliException.Usage(
                "This server was started outside a project, so it upgrades nothing.",
                "Ask the person to start it with the project's folder: pyresolve mcp --root <dir>");
        }

        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path, root));
        var relative = Path.GetRelativePath(root, full);
        if (relative.Split(Path.DirectorySeparatorChar)[0] == ".." || Path.IsPathRooted(relative))
            throw CliException.Usage($"{path} is outside the project.", $"Give a path below {root}.");
        ThrowIfLinked(path, relative);
        return Directory.Exists(full) || File.Exists(full)
            ? full
            : throw CliException.Usage($"There is no folder or file {path}.", $"Give a path below {root}.");
    }

    /// <summary>A symbolic link could lead out of the project.</summary>
    private void ThrowIfLinked(string path, string relative)
    {
        var folder = root!;
        foreach (var name in relative.Split(Path.DirectorySeparatorChar))
        {
            folder = Path.Combine(folder, name);
            if (name != "." && new FileInfo(folder).LinkTarget is not null)
                throw CliException.Usage($"{path} leads through a symbolic link.", "Give the path without one.");
        }
    }

    private static MigrationTier ReadTier(McpArguments arguments) => arguments.FindText("tier") switch
    {
        null or "tier1" => MigrationTier.Tier1,
        "tier2" => MigrationTier.Tier2,
        "tier3" => MigrationTier.Tier3,
        var other => throw CliException.Usage($"There is no tier {other}.", "There are: tier1, tier2, tier3"),
    };

    private static FileSelection ReadSelection(McpArguments arguments)
    {
        try
        {
            return FileSelection.Create(arguments.GetTexts("include"), arguments.GetTexts("exclude"));
        }
        catch (FormatException e)
        {
            throw CliException.Usage(
                $"A pattern of include or exclude cannot be used: {e.Message}.", "Write it relative to path, such as src/**/*.py.");
        }
    }
}
