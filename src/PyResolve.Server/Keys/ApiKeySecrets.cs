using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Keys;

/// <summary>
/// A secret for a new key. It is made before the transaction that stores it: hashing takes milliseconds while other writers wait.
/// </summary>
internal sealed record ApiKeySecret(string Key, string Hash)
{
    public static ApiKeySecret Generate()
    {
        var key = ApiKeyFormat.Create();
        return new ApiKeySecret(key, KeyHash.Create(key));
    }

    public override string ToString() => ApiKeyFormat.PrefixOf(Key);
}

/// <summary>
/// Generates new keys. Each costs a bcrypt hash, so few are computed at a time, and accounts take turns: however many keys one account asks
/// for, requests of others find a processor. Thread-safe.
/// </summary>
internal sealed class ApiKeySecrets
{
    /// <summary>The account under which all sign-ups take turns, because they have none yet.</summary>
    public static readonly Guid SignUps = Guid.Empty;

    private const int MaxWaiting = 1_024;

    private readonly FairTurns _turns = new(HashingQueue.HalfOfProcessors, MaxWaiting);
    private long _computations;

    public long Computations => Interlocked.Read(ref _computations);

    /// <exception cref="OverloadedException">Too many wait already.</exception>
    public async Task<ApiKeySecret> GenerateAsync(Guid account, CancellationToken cancellationToken)
    {
        using var turn = await _turns.EnterAsync(account, cancellationToken)
            ?? throw new OverloadedException("Too many API keys are being created at the moment. Nothing was stored: try again shortly.");
        Interlocked.Increment(ref _computations);
        return ApiKeySecret.Generate();
    }
}
