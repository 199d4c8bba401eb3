using System.Diagnostics.CodeAnalysis;

namespace PyResolve.StripeSimulator.Api;

/// <param name="Status">The HTTP status.</param>
/// <param name="Body">The JSON.</param>
/// <param name="RequestId">Of the request that was carried out.</param>
internal sealed record KeptAnswer(int Status, byte[] Body, string RequestId);

/// <summary>
/// Answers by idempotency key, for a day. The same request again gets the same answer, another request under the key is refused, and so is
/// one that comes while the first is under way. Thread-safe.
/// </summary>
internal sealed class Idempotency(TimeProvider clock)
{
    private static readonly TimeSpan Kept = TimeSpan.FromDays(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    private sealed record Entry(string Request, DateTimeOffset Since)
    {
        public KeptAnswer? Answer { get; set; }
    }

    /// <returns>True: carry it out, then call <see cref="Keep"/> or <see cref="Forget"/>. False: here is the answer.</returns>
    /// <exception cref="StripeException">The key belongs to another request, or to one that is under way.</exception>
    public bool TryBegin(string key, string request, [NotNullWhen(false)] out KeptAnswer? kept)
    {
        lock (_gate)
        {
            var now = clock.GetUtcNow();
            if (!_entries.TryGetValue(key, out var entry) || now - entry.Since > Kept)
            {
                _entries[key] = new Entry(request, now);
                kept = null;
                return true;
            }

            if (entry.Request != request)
                throw StripeException.OtherParameters(key);
            kept = entry.Answer ?? throw StripeException.InProgress(key);
            return false;
        }
    }

    public void Keep(string key, KeptAnswer answer)
    {
        lock (_gate)
            _entries[key].Answer = answer;
    }

    public void Forget(string key)
    {
        lock (_gate)
            _entries.Remove(key);
    }
}
