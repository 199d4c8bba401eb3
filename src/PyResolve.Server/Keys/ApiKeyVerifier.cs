using System.Collections.Concurrent;
using System.Net;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Keys;

/// <summary>
/// The outcome of checking a key. With <c>TooManyTries</c> it was not checked: its prefix had too many wrong secrets lately.
/// </summary>
internal readonly record struct KeyOutcome(VerifiedKey? Key, bool TooManyTries = false);

/// <summary>
/// Verifies keys: in memory where the key was verified before and nothing has changed, otherwise by reading one indexed row and comparing
/// digests in constant time. Concurrent first uses of one key share the work. Expiry is checked on every use.
/// </summary>
internal sealed class ApiKeyVerifier(Database database, StoredKeys stored, VerifiedKeyCache verified, KeyUseLog uses, TimeProvider time)
{
    private const int Attempts = 3;

    /// <summary>The clock of the machine: revocation is promised in real seconds, also where tests give the server another clock.</summary>
    private static readonly TimeProvider RealTime = TimeProvider.System;

    private readonly ConcurrentDictionary<KeyDigest, Lazy<Task<StoreAnswer>>> _reads = new();

    public bool TryRecall(in KeyDigest digest, out KeyOutcome outcome)
    {
        var key = verified.Find(digest);
        outcome = key is null ? default : UseUnlessExpired(new KeyOutcome(key));
        return key is not null;
    }

    /// <summary>Verifies a key at the store. Cancelling ends the wait, but not the read, which other requests may wait for.</summary>
    /// <param name="client">Wrong secrets of keys without a digest are counted by client.</param>
    public async Task<KeyOutcome> VerifyAsync(string key, KeyDigest digest, IPAddress? client, CancellationToken cancellationToken)
    {
        var startedAt = RealTime.GetTimestamp();
        var changeCountAtStart = verified.ChangeCount;
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var read = _reads.GetOrAdd(digest, _ => new Lazy<Task<StoreAnswer>>(() => ReadAsync(key, digest, client)));
            var answer = await WaitAsync(read.Value, Database.ReadTimeout - RealTime.GetElapsedTime(startedAt), cancellationToken);
            // A slow answer may be older than a revoked key may be used. An answer to a read that began before this request may be older
            // than a change that is known here already.
            if (answer.Outcome.Key is null
                || (answer.ChangeCount >= changeCountAtStart
                    && RealTime.GetElapsedTime(answer.AskedAt) < VerifiedKeyCache.MaxConfirmationAge))
            {
                return UseUnlessExpired(answer.Outcome);
            }
        }

        throw new TimeoutException("The store takes longer to answer than a verified key may be trusted.");
    }

    private static async Task<StoreAnswer> WaitAsync(Task<StoreAnswer> read, TimeSpan timeout, CancellationToken cancellationToken)
    {
        try
        {
            return await read.WaitAsync(timeout > TimeSpan.Zero ? timeout : TimeSpan.Zero, RealTime, cancellationToken);
        }
        catch (TimeoutException) when (!read.IsCompleted)
        {
            // If it fails later, no other request may be waiting to observe the exception.
            read.Forget();
            throw;
        }
    }

    private KeyOutcome UseUnlessExpired(KeyOutcome outcome)
    {
        if (outcome.Key is not { } key)
            return outcome;
        if (key.Owner.ExpiresAt <= time.GetUtcNow())
            return default;
        uses.Mark(key);
        return outcome;
    }

    private async Task<StoreAnswer> ReadAsync(string key, KeyDigest digest, IPAddress? client)
    {
        try
        {
            var askedAt = RealTime.GetTimestamp();
            var changeCount = verified.ChangeCount;
            if (await stored.FindAsync(ApiKeyFormat.PrefixOf(key), CancellationToken.None) is not { RevokedAt: null } found)
                return new StoreAnswer(default, askedAt, changeCount);
            var match = await stored.CompareAsync(key, digest, found, KeyPresentation.Use, client, CancellationToken.None);
            if (match is not KeyMatch.Right)
                return new StoreAnswer(new KeyOutcome(null, match is KeyMatch.TooManyTries), askedAt, changeCount);
            if (found.Digest is null)
            {
                var storing = database.ExecuteAsync(
                    $"update api_keys set key_digest = {digest.ToArray()} where id = {found.Owner.ApiKeyId} and key_digest is null",
                    CancellationToken.None);
                await storing.WaitBrieflyAsync(CancellationToken.None);
            }

            var result = new VerifiedKey(found.Owner, askedAt);
            verified.TryAdd(digest, result, changeCount);
            return new StoreAnswer(new KeyOutcome(result), askedAt, changeCount);
        }
        finally
        {
            _reads.TryRemove(digest, out _);
        }
    }

    /// <summary>
    /// The store's answer. <c>AskedAt</c> and <see cref="VerifiedKeyCache.ChangeCount"/> are of the moment before the read.
    /// </summary>
    private readonly record struct StoreAnswer(KeyOutcome Outcome, long AskedAt, long ChangeCount);
}
