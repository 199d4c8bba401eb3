using Microsoft.Extensions.FileSystemGlobbing;

namespace PyResolve.Migrators.Protocol;

/// <summary>
/// The files that an upgrade is for. Patterns are relative to the folder that is upgraded: <c>*</c> stands for part of a name,
/// <c>**</c> for folders at any depth. A pattern without a slash counts at any depth, and a folder stands for everything below it.
/// Thread-safe.
/// </summary>
internal sealed class FileSelection
{
    private readonly Matcher? _matcher;

    private FileSelection(IReadOnlyList<string> include, IReadOnlyList<string> exclude)
    {
        (Include, Exclude) = (include, exclude);
        if (include.Count + exclude.Count == 0)
            return;
        _matcher = new Matcher(StringComparison.Ordinal);
        foreach (var pattern in include.DefaultIfEmpty("**").SelectMany(Expand))
            _matcher.AddInclude(pattern);
        foreach (var pattern in exclude.SelectMany(Expand))
            _matcher.AddExclude(pattern);
    }

    public static FileSelection All { get; } = new([], []);

    public static FileSelection None { get; } = new([], ["**"]);

    public IReadOnlyList<string> Include { get; }

    public IReadOnlyList<string> Exclude { get; }

    /// <exception cref="FormatException">A pattern cannot match anything below the folder. The message says why.</exception>
    public static FileSelection Create(IReadOnlyList<string> include, IReadOnlyList<string> exclude)
    {
        foreach (var pattern in include.Concat(exclude))
            Check(pattern);
        return new FileSelection(include, exclude);
    }

    /// <summary>What the command line asked for; everything when a program was not started by it.</summary>
    public static FileSelection FromEnvironment() => Create(Read(MigratorVariables.Include), Read(MigratorVariables.Exclude));

    /// <param name="path">Relative to the folder, with <c>/</c> between names.</param>
    public bool Contains(string path) => _matcher is null || _matcher.Match(path).HasMatches;

    private static string[] Read(string variable) =>
        Environment.GetEnvironmentVariable(variable)?.Split('\n', StringSplitOptions.RemoveEmptyEntries) ?? [];

    private static void Check(string pattern)
    {
        var names = pattern.Split('/');
        if (pattern.Trim('/').Length == 0)
            throw new FormatException("it is empty");
        if (pattern.Contains('\n', StringComparison.Ordinal))
            throw new FormatException("it has a line break");
        if (pattern.Contains('\\', StringComparison.Ordinal))
            throw new FormatException("names are separated by /");
        if (names is ["", ..] || names.Contains("..", StringComparer.Ordinal))
            throw new FormatException("it is not below the folder that is upgraded");
    }

    private static IEnumerable<string> Expand(string pattern)
    {
        var path = pattern.TrimEnd('/');
        if (path.StartsWith("./", StringComparison.Ordinal))
            path = path[2..];
        else if (!path.Contains('/', StringComparison.Ordinal))
            path = "**/" + path;
        return [path, path + "/**"];
    }
}
