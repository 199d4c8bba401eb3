using PyResolve.Server.Access;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Keys;

/// <summary>
/// Loads live keys, the newest first, so that after a restart requests need not go to the store. The server waits a limited time for it
/// before it takes requests; a key that is not loaded yet is verified as any other. Keys without a digest are skipped.
/// </summary>
internal sealed partial class KeyWarmUp(
    Database database, VerifiedKeyCache verified, KeyEpochPoller poller, TimeProvider time, ILogger<KeyWarmUp> logger)
    : BackgroundService
{
    private const int PageSize = 1_000;
    private const int Attempts = 3;

    /// <summary>
    /// How long the server waits for keys before it takes requests. Once requests come, loading shares the store with them and takes many
    /// times as long.
    /// </summary>
    private static readonly TimeSpan MaxStartDelay = TimeSpan.FromSeconds(2);

    private static readonly TimeProvider RealTime = TimeProvider.System;

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await base.StartAsync(cancellationToken);
        await Task.WhenAny(ExecuteTask!, Task.Delay(MaxStartDelay, RealTime, cancellationToken));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await poller.Confirmed.WaitAsync(stoppingToken);
            var startedAt = RealTime.GetTimestamp();
            await RememberAsync(stoppingToken);
            Log.Remembered(logger, verified.Count, (long)RealTime.GetElapsedTime(startedAt).TotalMilliseconds);
        }
        catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
        {
            Log.Abandoned(logger, exception.Message);
        }
        catch (OperationCanceledException)
        {
            // Shutting down.
        }
    }

    private async Task RememberAsync(CancellationToken cancellationToken)
    {
        var before = Guid.AllBitsSet;
        for (var left = verified.RemainingCapacity; left > 0; left -= PageSize)
        {
            var size = Math.Min(PageSize, left);
            var page = await RememberPageAsync(before, size, cancellationToken);
            if (page.Count < size)
                return;
            before = page[^1].Key.Owner.ApiKeyId!.Value;
        }
    }

    /// <summary>Loads a page. Reads it again where a key changed in between, and leaves it out when that happens too often.</summary>
    private async Task<List<LiveKey>> RememberPageAsync(Guid before, int size, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var changeCount = verified.ChangeCount;
            var page = await ReadPageAsync(before, size, RealTime.GetTimestamp(), cancellationToken);
            var isDone = page.TrueForAll(
                key => key.Digest.Length != KeyDigest.Size || verified.TryAdd(KeyDigest.Read(key.Digest), key.Key, changeCount));
            if (isDone || attempt == Attempts)
                return page;
        }
    }

    private Task<List<LiveKey>> ReadPageAsync(
        Guid before, int size, long askedAt, CancellationToken cancellationToken) => database.ListAsync(
        $"""
        select {StoredKeys.OwnerColumns}, k.key_digest
        from {StoredKeys.KeysOfAccounts}
        where k.id < {before} and k.key_digest is not null and k.revoked_at is null
          and (k.expires_at is null or k.expires_at > {time.GetInstant()})
        order by k.id desc
        limit {size}
        """,
        row => new LiveKey(row.BytesOrNull(StoredKeys.OwnerColumnCount)!, new VerifiedKey(StoredKeys.ReadOwner(row), askedAt)),
        cancellationToken);

    private sealed record LiveKey(byte[] Digest, VerifiedKey Key);

    private static partial class Log
    {
        [LoggerMessage(2, LogLevel.Debug, "Cached {Count} live keys in {Milliseconds} ms")]
        public static partial void Remembered(ILogger logger, int count, long milliseconds);

        [LoggerMessage(1, LogLevel.Warning, "Not all keys were preloaded; the others are cached on first use: {Cause}")]
        public static partial void Abandoned(ILogger logger, string cause);
    }
}
