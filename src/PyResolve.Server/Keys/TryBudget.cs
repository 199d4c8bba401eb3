using System.Collections.Concurrent;
using System.Net;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Keys;

/// <summary>How many tries there are at once, and how long one more takes to come back.</summary>
internal sealed record TryAllowance(int Most, TimeSpan Regained);

/// <summary>
/// Tries on each prefix, of which each client has a share: who tries wrong secrets uses up their own before everybody's. Its memory is
/// bounded by what may be tried. Thread-safe.
/// </summary>
/// <param name="ofPrefix">All clients together.</param>
/// <param name="ofClient">One client, by <see cref="ClientNetwork"/>.</param>
/// <param name="time">The clock by which tries come back.</param>
internal sealed class TryBudget(TryAllowance ofPrefix, TryAllowance ofClient, TimeProvider time)
{
    private const int MostPrefixes = 10_000;

    private readonly ConcurrentDictionary<string, Tries> _prefixes = new(StringComparer.Ordinal);

    /// <summary>Takes a try, if there is one.</summary>
    public bool TryBegin(string prefix, IPAddress? client)
    {
        var now = time.GetUtcNow();
        if (_prefixes.Count > MostPrefixes)
            Prune(now);
        return _prefixes.GetOrAdd(prefix, static (_, budget) => new Tries(budget), this).TryBegin(client is null ? "" : ClientNetwork.Of(client), now);
    }

    /// <summary>Gives all tries on a prefix back: the secret was right.</summary>
    public void Forget(string prefix) => _prefixes.TryRemove(prefix, out _);

    private void Prune(DateTimeOffset now)
    {
        foreach (var (prefix, tries) in _prefixes)
        {
            if (tries.AreWhole(now))
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
            (var whole, _share) = budget.Allowances;
            _all = new Bucket(whole);
        }

        public bool TryBegin(string client, DateTimeOffset now)
        {
            lock (_gate)
            {
                // First, so that a share is kept only of a client who had a try: there are no more of them than there were tries.
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

        public bool AreWhole(DateTimeOffset now)
        {
            lock (_gate)
                return _all.IsFull(now) && _shares.Values.All(share => share.IsFull(now));
        }
    }

    private (TryAllowance OfPrefix, TryAllowance OfClient) Allowances => (ofPrefix, ofClient);

    /// <summary>Tries that come back one by one.</summary>
    private sealed class Bucket(TryAllowance allowance)
    {
        private double _left = allowance.Most;
        private DateTimeOffset _at = DateTimeOffset.MinValue;

        public bool Has(DateTimeOffset now) => Left(now) >= 1;

        public bool IsFull(DateTimeOffset now) => Left(now) >= allowance.Most;

        public void Take(DateTimeOffset now) => (_left, _at) = (Left(now) - 1, now);

        private double Left(DateTimeOffset now) =>
            _at == DateTimeOffset.MinValue ? allowance.Most : Math.Min(allowance.Most, _left + ((now - _at) / allowance.Regained));
    }
}
