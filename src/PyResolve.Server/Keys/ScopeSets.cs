using System.Collections.Concurrent;

namespace PyResolve.Server.Keys;

/// <summary>Scopes as a column keeps them, separated by spaces. Each distinct set is one list in memory, shared by all keys that have it.</summary>
internal static class ScopeSets
{
    /// <summary>Six scopes have 64 sets; SQL typed by hand may add others, up to a bound.</summary>
    private const int MostSets = 1_000;

    private static readonly ConcurrentDictionary<string, IReadOnlyList<string>> Known = new(StringComparer.Ordinal);

    public static IReadOnlyList<string> Parse(string column)
    {
        if (Known.TryGetValue(column, out var scopes))
            return scopes;
        scopes = column.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (Known.Count < MostSets)
            Known.TryAdd(column, scopes);
        return scopes;
    }

    public static string Format(IEnumerable<string> scopes) => string.Join(' ', scopes);
}
