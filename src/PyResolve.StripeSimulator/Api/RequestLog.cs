using System.Collections.Concurrent;

namespace PyResolve.StripeSimulator.Api;

/// <summary>Counts the requests of each route. Thread-safe.</summary>
internal sealed class RequestLog
{
    private readonly ConcurrentDictionary<string, int> _counts = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, int> Counts => new SortedDictionary<string, int>(_counts, StringComparer.Ordinal);

    public void Count(string route) => _counts.AddOrUpdate(route, 1, static (_, count) => count + 1);

    public void Clear() => _counts.Clear();
}
