namespace PyResolve.TestKit;

/// <summary>The folder of <c>initdb</c> and <c>postgres</c>.</summary>
internal static class PostgresBinaries
{
    // Debian, Homebrew and RPM packages install the server's programs outside PATH, in one folder per version.
    private static readonly string[] Roots = ["/usr/lib/postgresql", "/usr", "/opt/homebrew/opt", "/usr/local/opt"];

    /// <summary>Whether the extension of this name is installed beside them.</summary>
    public static bool HasExtension(string name)
    {
        try
        {
            return File.Exists(Path.Combine(Find(), "..", "lib", $"{name}.so"));
        }
        catch (PostgresMissingException)
        {
            return false;
        }
    }

    public static string Find()
    {
        var inPath = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        return inPath.Concat(Installed()).Where(IsComplete).Select(Original).FirstOrDefault()
            ?? throw new PostgresMissingException($"No initdb and postgres in PATH, nor under {string.Join(", ", Roots)}.");
    }

    /// <summary>Where only some of the programs are linked into PATH, the folder that has all of them.</summary>
    private static string Original(string folder) =>
        File.ResolveLinkTarget(Path.Combine(folder, "initdb"), returnFinalTarget: true) is { } program
        && Path.GetDirectoryName(program.FullName) is { } original && IsComplete(original)
            ? original
            : folder;

    private static IEnumerable<string> Installed() =>
        from root in Roots
        where Directory.Exists(root)
        from folder in Directory.EnumerateDirectories(root)
        let version = VersionOf(Path.GetFileName(folder))
        where version > 0
        orderby version descending
        select Path.Combine(folder, "bin");

    private static int VersionOf(string name) =>
        int.TryParse(name.Replace("postgresql@", "").Replace("pgsql-", ""), out var version) ? version : 0;

    private static bool IsComplete(string folder) =>
        File.Exists(Path.Combine(folder, "initdb")) && File.Exists(Path.Combine(folder, "postgres"));
}
