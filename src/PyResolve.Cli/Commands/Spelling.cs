namespace PyResolve.Cli.Commands;

internal static class Spelling
{
    /// <summary>What was probably meant; <see langword="null"/> where nothing is near.</summary>
    public static string? FindNearest(string word, IEnumerable<string> names) => names
        .Select(name => (Name: name, Distance: EditDistance.Between(word, name)))
        .Where(candidate => candidate.Distance <= Math.Max(1, candidate.Name.TrimStart('-').Length / 3))
        .OrderBy(static candidate => candidate.Distance).ThenBy(static candidate => candidate.Name, StringComparer.Ordinal)
        .Select(static candidate => candidate.Name)
        .FirstOrDefault();
}
