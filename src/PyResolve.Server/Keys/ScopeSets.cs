using System.Collections.Concurrent;

namespace PyResolve.Server.Keys;

/// <summary>Lists of scopes, of which all keys with the same scopes share one in memory.</summary>
internal static class ScopeSets
{
    /// <summary>The most lists that are kept. Six scopes have 64 sets; manual SQL may add others.</summary>
    private const int MaxSets = 1_000;

    private static readonly ConcurrentDictionary<string, IReadOnlyList<string>> Known = new(StringComparer.Ordinal);

    public static IReadOnlyList<string> Parse(string column)
    {
        if (Known.TryGetValue(column, out var scopes))
            return scopes;
        scopes = column.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (Known.Count < MaxSets)
            Known.TryAdd(column, scopes);
        return scopes;
    }

    public static string Format(IEnumerable<string> scopes) => string.Join(' ', scopes);
}
