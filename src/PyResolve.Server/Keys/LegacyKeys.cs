using System.Net;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Keys;

internal enum KeyMatch
{
    Right,
    Wrong,

    /// <summary>Too many wrong secrets were tried on this prefix lately: nothing was computed.</summary>
    TooManyTries,
}

internal enum KeyPresentation
{
    Use,

    /// <summary>Leak reports have their own budget: reporting wrong keys does not keep the right one from being used.</summary>
    LeakReport,
}

/// <summary>
/// Checks keys that SQL made, which have no digest before their first use, against their bcrypt hash. Few computations run at a time, and
/// each prefix has a limited number of tries, so that a flood of wrong keys cannot cause load.
/// </summary>
internal sealed class LegacyKeys(TimeProvider time) : IDisposable
{
    public static readonly TimeSpan TryRegained = TimeSpan.FromMinutes(1);

    private readonly HashingQueue _queue = new(maxWaiting: int.MaxValue);
    private readonly TryBudget _uses = new(new TryAllowance(6, TimeSpan.FromSeconds(20)), new TryAllowance(2, TryRegained), time);
    private readonly TryBudget _reports = new(new TryAllowance(2, TryRegained), new TryAllowance(1, TryRegained), time);
    private long _computations;

    public long Computations => Interlocked.Read(ref _computations);

    public async Task<KeyMatch> VerifyAsync(
        string key, string hash, KeyPresentation presentation, IPAddress? client, CancellationToken cancellationToken)
    {
        var prefix = ApiKeyFormat.PrefixOf(key);
        var budget = presentation is KeyPresentation.Use ? _uses : _reports;
        if (!budget.TryBegin(prefix, client))
            return KeyMatch.TooManyTries;

        using (await _queue.EnterAsync(cancellationToken))
        {
            Interlocked.Increment(ref _computations);
            if (!await Task.Run(() => KeyHash.Verify(key, hash), cancellationToken))
                return KeyMatch.Wrong;
        }

        budget.Forget(prefix);
        return KeyMatch.Right;
    }

    public void Dispose() => _queue.Dispose();
}
