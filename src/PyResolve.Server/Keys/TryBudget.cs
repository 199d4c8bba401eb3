using System.Collections.Concurrent;
using System.Net;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Keys;

/// <summary>How many tries there are. <c>Regained</c> is how long it takes to get one back.</summary>
internal sealed record TryAllowance(int Max, TimeSpan Regained);

/// <summary>
/// Limits the tries on each key prefix, and each client's share of them, so that one client's wrong secrets use up its own share first. Its
/// memory is bounded by the number of tries. Thread-safe.
/// </summary>
internal sealed class TryBudget(TryAllowance ofPrefix, TryAllowance ofClient, TimeProvider time)
{
    private const int MaxPrefixes = 10_000;

    private readonly ConcurrentDictionary<string, Tries> _prefixes = new(StringComparer.Ordinal);

    public bool TryBegin(string prefix, IPAddress? client)
    {
        var now = time.GetUtcNow();
        if (_prefixes.Count > MaxPrefixes)
            Prune(now);
        var tries = _prefixes.GetOrAdd(prefix, static (_, budget) => new Tries(budget), this);
        return tries.TryBegin(client is null ? "" : ClientNetwork.Of(client).Narrow, now);
    }

    /// <summary>Gives all tries on a prefix back: the secret was right.</summary>
    public void Forget(string prefix) => _prefixes.TryRemove(prefix, out _);

    private void Prune(DateTimeOffset now)
    {
        foreach (var (prefix, tries) in _prefixes)
        {
            if (tries.IsFull(now))
                _prefixes.TryRemove(prefix, out _);
        }
    }

    private sealed class Tries
    {
        private readonly Lock _gate = new();
        private readonly TryAllowance _share;
        private readonly Bucket _all;
        private readonly Dictionary<string, Bucket> _shares = new(StringComparer.Ordinal);

        public Tries(TryBudget budget)
        {
            (var forPrefix, _share) = budget.Allowances;
            _all = new Bucket(forPrefix);
        }

        public bool TryBegin(string client, DateTimeOffset now)
        {
            lock (_gate)
            {
                // Checked first, so that a share is stored only for a client that had a try: there are never more shares than tries.
                if (!_all.Has(now))
                    return false;
                foreach (var (other, _) in _shares.Where(share => share.Value.IsFull(now)).ToList())
                    _shares.Remove(other);
                if (!_shares.TryGetValue(client, out var own))
                    _shares[client] = own = new Bucket(_share);
                if (!own.Has(now))
                    return false;
                own.Take(now);
                _all.Take(now);
                return true;
            }
        }

        public bool IsFull(DateTimeOffset now)
        {
            lock (_gate)
                return _all.IsFull(now) && _shares.Values.All(share => share.IsFull(now));
        }
    }

    private (TryAllowance OfPrefix, TryAllowance OfClient) Allowances => (ofPrefix, ofClient);

    private sealed class Bucket(TryAllowance allowance)
    {
        private double _left = allowance.Max;
        private DateTimeOffset _at = DateTimeOffset.MinValue;

        public bool Has(DateTimeOffset now) => Left(now) >= 1;

        public bool IsFull(DateTimeOffset now) => Left(now) >= allowance.Max;

        public void Take(DateTimeOffset now) => (_left, _at) = (Left(now) - 1, now);

        private double Left(DateTimeOffset now) =>
            _at == DateTimeOffset.MinValue ? allowance.Max : Math.Min(allowance.Max, _left + ((now - _at) / allowance.Regained));
    }
}
