using System.Diagnostics.CodeAnalysis;

namespace PyResolve.StripeSimulator.Api;

internal sealed record StoredAnswer(int Status, byte[] Body, string RequestId);

/// <summary>Keeps each answer for a day; refuses another request with its key, and one sent during the first. Thread-safe.</summary>
internal sealed class Idempotency(TimeProvider clock)
{
    private static readonly TimeSpan StoredFor = TimeSpan.FromDays(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    private sealed record Entry(string Request, DateTimeOffset Since)
    {
        public StoredAnswer? Answer { get; set; }
    }

    /// <returns>True: execute the request, then call <see cref="Store"/> or <see cref="Remove"/>. False: it has a stored answer.</returns>
    /// <exception cref="ApiErrorException">The key belongs to another request, or its request is not finished.</exception>
    public bool TryBegin(string key, string request, [NotNullWhen(false)] out StoredAnswer? stored)
    {
        lock (_gate)
        {
            var now = clock.GetUtcNow();
            if (!_entries.TryGetValue(key, out var entry) || now - entry.Since > StoredFor)
            {
                _entries[key] = new Entry(request, now);
                stored = null;
                return true;
            }

            if (entry.Request != request)
                throw ApiErrorException.OtherParameters(key);
            stored = entry.Answer ?? throw ApiErrorException.InProgress(key);
            return false;
        }
    }

    public void Store(string key, StoredAnswer answer)
    {
        lock (_gate)
            _entries[key].Answer = answer;
    }

    public void Remove(string key)
    {
        lock (_gate)
            _entries.Remove(key);
    }
}
