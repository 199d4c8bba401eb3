using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using PyResolve.Server.Access;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Keys;

/// <summary>What is known of a key that was sent.</summary>
/// <param name="Key"><see langword="null"/> for a key that is unknown, revoked or expired.</param>
/// <param name="TooManyTries">Whether its prefix had so many wrong secrets lately that it was not checked.</param>
internal readonly record struct KeyVerdict(VerifiedKey? Key, bool TooManyTries = false);

/// <summary>A verdict of the store's, when the store was asked, and what was known to have changed by then.</summary>
internal readonly record struct StoreVerdict(KeyVerdict Verdict, long AskedAt, long Stamp);

/// <summary>
/// Tells whose key it is: from memory where the key was verified before and nothing has changed, otherwise by one indexed row and a
/// constant-time comparison of digests. Concurrent first uses of one key share the work. Expiry is compared on every use.
/// </summary>
internal sealed class ApiKeyVerifier(
    Database database, VerifiedKeys verified, LegacyKeys legacy, KeyUseLog uses, TimeProvider time)
{
    private const int Attempts = 3;

    /// <summary>The promise is about real seconds, whatever clock the rest of the server is given.</summary>
    private static readonly TimeProvider RealTime = TimeProvider.System;

    private readonly ConcurrentDictionary<KeyDigest, Lazy<Task<StoreVerdict>>> _underWay = new();

    /// <summary>The verdict on a key that is remembered, without waiting.</summary>
    public bool TryRecall(string key, out KeyVerdict verdict)
    {
        var known = ApiKeyFormat.IsWellFormed(key) ? verified.Find(KeyDigest.Of(key)) : null;
        verdict = known is null ? default : Judge(new KeyVerdict(known));
        return known is not null;
    }

    /// <param name="key">What was sent.</param>
    /// <param name="client">Who sent it: wrong secrets are counted by client, where they cost anything.</param>
    /// <param name="cancellationToken">Abandons the wait, not the work, which others may wait for.</param>
    /// <exception cref="TimeoutException">The store does not answer.</exception>
    public ValueTask<KeyVerdict> VerifyAsync(string key, IPAddress? client, CancellationToken cancellationToken)
    {
        if (!ApiKeyFormat.IsWellFormed(key))
            return new(default(KeyVerdict));
        var digest = KeyDigest.Of(key);
        return verified.Find(digest) is { } known
            ? new(Judge(new KeyVerdict(known)))
            : new(VerifyAtStoreAsync(key, digest, client, cancellationToken));
    }

    private async Task<KeyVerdict> VerifyAtStoreAsync(string key, KeyDigest digest, IPAddress? client, CancellationToken cancellationToken)
    {
        var startedAt = RealTime.GetTimestamp();
        var known = verified.Stamp;
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            // The work is everybody's who waits for it: one who leaves must not end it.
            var work = _underWay.GetOrAdd(digest, _ => new Lazy<Task<StoreVerdict>>(() => ReadAsync(key, digest, client)));
            var (verdict, askedAt, stamp) = await WaitAsync(work.Value, Database.ReadTimeout - RealTime.GetElapsedTime(startedAt), cancellationToken);
            // A slow answer may be older than the time within which a revoked key must be dead; one that was under way when this request
            // came may be older than a change that is known here already.
            if (verdict.Key is null || (stamp >= known && RealTime.GetElapsedTime(askedAt) < VerifiedKeys.Bound))
                return Judge(verdict);
        }

        throw new TimeoutException("The store takes longer to answer than a verified key may be trusted.");
    }

    private static async Task<StoreVerdict> WaitAsync(Task<StoreVerdict> work, TimeSpan left, CancellationToken cancellationToken)
    {
        try
        {
            return await work.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, RealTime, cancellationToken);
        }
        catch (TimeoutException) when (!work.IsCompleted)
        {
            // Nobody may be waiting any more when it fails.
            work.Forget();
            throw;
        }
    }

    private KeyVerdict Judge(KeyVerdict verdict)
    {
        if (verdict.Key is not { } key)
            return verdict;
        if (key.Owner.ExpiresAt is { } end && end <= time.GetUtcNow())
            return default;
        uses.Mark(key);
        return verdict;
    }

    private async Task<StoreVerdict> ReadAsync(string key, KeyDigest digest, IPAddress? client)
    {
        try
        {
            var askedAt = RealTime.GetTimestamp();
            var stamp = verified.Stamp;
            var stored = await FindAsync(ApiKeyFormat.PrefixOf(key));
            if (stored is null || stored.RevokedAt is not null)
                return new StoreVerdict(default, askedAt, stamp);

            var bytes = digest.ToArray();
            if (stored.Digest is { } known)
            {
                if (!CryptographicOperations.FixedTimeEquals(bytes, known))
                    return new StoreVerdict(default, askedAt, stamp);
            }
            else
            {
                var verdict = await legacy.VerifyAsync(key, stored.Hash, KeyPresentation.Use, client, CancellationToken.None);
                if (verdict is not LegacyVerdict.Right)
                    return new StoreVerdict(new KeyVerdict(null, verdict is LegacyVerdict.TooManyTries), askedAt, stamp);
                await database.ExecuteAsync(
                    $"update api_keys set key_digest = {bytes} where id = {stored.Owner.ApiKeyId} and key_digest is null", CancellationToken.None);
            }

            var result = new VerifiedKey(stored.Owner, askedAt);
            verified.Remember(digest, result, stamp);
            return new StoreVerdict(new KeyVerdict(result), askedAt, stamp);
        }
        finally
        {
            _underWay.TryRemove(digest, out _);
        }
    }

    private Task<StoredKey?> FindAsync(string prefix) => database.FirstWithTimeoutAsync(
        $"""
        select k.id, k.user_id, k.key_hash, k.key_digest, k.scopes, k.expires_at, k.revoked_at, k.requests_per_minute, p.email, p.name
        from api_keys k
        join profiles p on p.id = k.user_id
        where k.key_prefix = {prefix} and p.deleted_at is null
        """,
        row => new StoredKey(
            row.Text(2),
            row.BytesOrNull(3),
            row.InstantOrNull(6),
            new Caller(row.Uuid(1), row.Text(8), row.TextOrNull(9))
            {
                ApiKeyId = row.Uuid(0),
                ApiKeyPrefix = prefix,
                Scopes = ScopeSets.Parse(row.Text(4)),
                ExpiresAt = row.InstantOrNull(5),
                RequestsPerMinute = row.Int32OrNull(7),
            }),
        CancellationToken.None);

    private sealed record StoredKey(string Hash, byte[]? Digest, DateTimeOffset? RevokedAt, Caller Owner);
}
