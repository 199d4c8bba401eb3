using Microsoft.IdentityModel.Tokens;

namespace PyResolve.Server.Identity;

/// <summary>
/// The keys that an issuer publishes. An unknown key id causes a fetch, at most every 30 seconds and one at a time, so that invented ids
/// cannot flood the issuer. Known keys are refreshed in the background, and kept while the issuer is down. Thread-safe.
/// </summary>
internal sealed partial class SigningKeys(string issuer, Func<Task<IReadOnlyList<SecurityKey>>> fetch, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan Fresh = TimeSpan.FromMinutes(10);

    private readonly Lock _gate = new();
    private volatile Fetched? _known;
    private Task _fetching = Task.CompletedTask;
    private long? _triedAt;

    public static TimeSpan MinInterval { get; } = TimeSpan.FromSeconds(30);

    /// <summary>Returns the keys of the token's key id, or all where it has none. Throws only if no keys were ever fetched.</summary>
    public async ValueTask<IReadOnlyList<SecurityKey>> FindAsync(string? keyId, CancellationToken cancellationToken)
    {
        if (_known is { } known && known.For(keyId) is { Count: > 0 } found)
        {
            if (time.GetElapsedTime(known.At) > Fresh)
                _ = RefreshAsync();
            return found;
        }

        await RefreshAsync().WaitAsync(cancellationToken);
        return (_known ?? throw new IssuerUnavailableException()).For(keyId);
    }

    private Task RefreshAsync()
    {
        lock (_gate)
        {
            if (!_fetching.IsCompleted || (_triedAt is { } triedAt && time.GetElapsedTime(triedAt) < MinInterval))
                return _fetching;
            _triedAt = time.GetTimestamp();
            return _fetching = FetchAsync();
        }
    }

    private async Task FetchAsync()
    {
        await Task.Yield();
        try
        {
            _known = new Fetched(await fetch(), time.GetTimestamp());
        }
        catch (Exception exception)
        {
            // The known keys stay valid also after a bad answer.
            Log.NotFetched(logger, issuer, exception.Message);
        }
    }

    private sealed record Fetched(IReadOnlyList<SecurityKey> Keys, long At)
    {
        public IReadOnlyList<SecurityKey> For(string? keyId) =>
            string.IsNullOrEmpty(keyId) ? Keys : [.. Keys.Where(key => key.KeyId == keyId)];
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The keys of {Issuer} were not fetched: {Cause}")]
        public static partial void NotFetched(ILogger logger, string issuer, string cause);
    }
}

internal sealed class IssuerUnavailableException() : Exception("The issuer's keys cannot be fetched.");
