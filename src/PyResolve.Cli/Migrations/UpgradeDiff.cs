using PyResolve.Cli.Output;

namespace PyResolve.Cli.Migrations;

/// <summary>How the changes of an upgrade look as a diff: which names files have in it, and its colours.</summary>
/// <param name="root">The folder that names are relative to.</param>
internal sealed class UpgradeDiff(UpgradeOutput output, string root)
{
    /// <summary>As seen from the current folder, so that the diff can be applied there; from the upgraded one if it is elsewhere.</summary>
    public string NameOf(string name)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.Combine(root, name));
        var origin = Below(Environment.CurrentDirectory, full) is not null ? Environment.CurrentDirectory : root;
        return Path.GetRelativePath(origin, full).Replace('\\', '/');
    }

    public string Paint(string line) => line switch
    {
        ['@', '@', ..] => output.Paint(line, Colour.Cyan),
        ['d', ..] or ['n', 'e', 'w', ..] or ['-', '-', '-', ' ', ..] or ['+', '+', '+', ' ', ..] => output.Paint(line, Colour.Bold),
        ['-', ..] => output.Paint(line, Colour.Red),
        ['+', ..] => output.Paint(line, Colour.Green),
        _ => line,
    };

    /// <summary>The path from a folder to what is in it or is it; <see langword="null"/> for what is elsewhere.</summary>
    public static string? Below(string folder, string path)
    {
        var relative = Path.GetRelativePath(folder, path);
        return relative == ".." || relative.StartsWith("../", StringComparison.Ordinal) || Path.IsPathRooted(relative) ? null : relative;
    }
}
