using System.Collections.Concurrent;

namespace PyResolve.StripeSimulator.Api;

internal sealed class RequestLog
{
    private readonly ConcurrentDictionary<string, int> _counts = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, int> Counts => new SortedDictionary<string, int>(_counts, StringComparer.Ordinal);

    public void Count(string route) => _counts.AddOrUpdate(route, 1, static (_, count) => count + 1);

    public void Clear() => _counts.Clear();
}
