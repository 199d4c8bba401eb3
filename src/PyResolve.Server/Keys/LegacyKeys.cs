using System.Collections.Concurrent;

namespace PyResolve.Server.Keys;

/// <summary>How a bcrypt check ended.</summary>
internal enum LegacyVerdict
{
    Right,
    Wrong,

    /// <summary>Too many wrong secrets were tried on this prefix lately: nothing was computed.</summary>
    TooManyTries,
}

/// <summary>
/// Checks keys that SQL made, which have no digest before their first use, against their bcrypt hash. A few computations run at a time,
/// and each prefix has five wrong tries before it must wait a minute for each more: a flood of wrong keys cannot be turned into load.
/// </summary>
internal sealed class LegacyKeys(TimeProvider time) : IDisposable
{
    private const int FreeTries = 5;
    private const int MostPrefixes = 10_000;

    public static readonly TimeSpan TryRegained = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim _turn = new(Math.Max(1, Environment.ProcessorCount / 2));
    private readonly ConcurrentDictionary<string, Tries> _wrongTries = new(StringComparer.Ordinal);
    private long _computations;

    /// <summary>How many hashes have been computed.</summary>
    public long Computations => Interlocked.Read(ref _computations);

    public async Task<LegacyVerdict> VerifyAsync(string key, string hash, CancellationToken cancellationToken)
    {
        var prefix = ApiKeyFormat.PrefixOf(key);
        var tries = _wrongTries.GetOrAdd(prefix, static _ => new Tries());
        if (!tries.TryBegin(time.GetUtcNow()))
            return LegacyVerdict.TooManyTries;

        await _turn.WaitAsync(cancellationToken);
        try
        {
            Interlocked.Increment(ref _computations);
            if (!await Task.Run(() => BCrypt.Verify(key, hash), cancellationToken))
                return LegacyVerdict.Wrong;
        }
        finally
        {
            _turn.Release();
            if (_wrongTries.Count > MostPrefixes)
                Prune();
        }

        _wrongTries.TryRemove(prefix, out _);
        return LegacyVerdict.Right;
    }

    public void Dispose() => _turn.Dispose();

    private void Prune()
    {
        var now = time.GetUtcNow();
        foreach (var (prefix, tries) in _wrongTries)
        {
            if (tries.IsForgiven(now))
                _wrongTries.TryRemove(prefix, out _);
        }
    }

    /// <summary>A bucket of tries that refills one a minute.</summary>
    private sealed class Tries
    {
        private readonly Lock _gate = new();
        private double _left = FreeTries;
        private DateTimeOffset _at = DateTimeOffset.MinValue;

        public bool TryBegin(DateTimeOffset now)
        {
            lock (_gate)
            {
                _left = Left(now);
                _at = now;
                if (_left < 1)
                    return false;
                _left--;
                return true;
            }
        }

        public bool IsForgiven(DateTimeOffset now)
        {
            lock (_gate)
                return Left(now) >= FreeTries;
        }

        private double Left(DateTimeOffset now) =>
            _at == DateTimeOffset.MinValue ? FreeTries : Math.Min(FreeTries, _left + ((now - _at) / TryRegained));
    }
}
