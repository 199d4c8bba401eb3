using System.Net;

namespace PyResolve.Server.Keys;

/// <summary>How a bcrypt check ended.</summary>
internal enum LegacyVerdict
{
    Right,
    Wrong,

    /// <summary>Too many wrong secrets were tried on this prefix lately: nothing was computed.</summary>
    TooManyTries,
}

/// <summary>What a key was sent for.</summary>
internal enum KeyPresentation
{
    Use,

    /// <summary>Reports have tries of their own: whoever reports wrong keys keeps nobody from using the right one.</summary>
    LeakReport,
}

/// <summary>
/// Checks keys that SQL made, which have no digest before their first use, against their bcrypt hash. A few computations run at a time,
/// and each prefix has only so many tries: a flood of wrong keys cannot be turned into load.
/// </summary>
internal sealed class LegacyKeys(TimeProvider time) : IDisposable
{
    public static readonly TimeSpan TryRegained = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim _turn = new(Math.Max(1, Environment.ProcessorCount / 2));
    private readonly TryBudget _uses = new(new TryAllowance(6, TimeSpan.FromSeconds(20)), new TryAllowance(2, TryRegained), time);
    private readonly TryBudget _reports = new(new TryAllowance(2, TryRegained), new TryAllowance(1, TryRegained), time);
    private long _computations;

    /// <summary>How many hashes have been computed.</summary>
    public long Computations => Interlocked.Read(ref _computations);

    /// <param name="key">What was sent.</param>
    /// <param name="hash">What is stored under its prefix.</param>
    /// <param name="presentation">What for.</param>
    /// <param name="client">Who sent it.</param>
    /// <param name="cancellationToken">Abandons the wait for a turn.</param>
    public async Task<LegacyVerdict> VerifyAsync(
        string key, string hash, KeyPresentation presentation, IPAddress? client, CancellationToken cancellationToken)
    {
        var prefix = ApiKeyFormat.PrefixOf(key);
        var budget = presentation is KeyPresentation.Use ? _uses : _reports;
        if (!budget.TryBegin(prefix, client))
            return LegacyVerdict.TooManyTries;

        await _turn.WaitAsync(cancellationToken);
        try
        {
            Interlocked.Increment(ref _computations);
            if (!await Task.Run(() => KeyHash.Verify(key, hash), cancellationToken))
                return LegacyVerdict.Wrong;
        }
        finally
        {
            _turn.Release();
        }

        budget.Forget(prefix);
        return LegacyVerdict.Right;
    }

    public void Dispose() => _turn.Dispose();
}
