using System.Net;
using System.Security.Cryptography;
using PyResolve.Server.Access;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Keys;

/// <summary>A key as it is stored. The digest is null for one that SQL made, before its first use.</summary>
internal sealed record StoredKey(Caller Owner, byte[]? Digest, string Hash, DateTimeOffset? RevokedAt);

internal sealed class StoredKeys(Database database, LegacyKeys legacy)
{
    /// <summary>The first columns of a select, for <see cref="ReadOwner"/>.</summary>
    public static readonly SqlFragment OwnerColumns = new(
        "k.id, k.user_id, k.key_prefix, k.scopes, k.expires_at, k.requests_per_minute, p.email, p.name, "
        + "k.limited_by, k.shared_requests_per_minute");

    /// <summary>The number of <see cref="OwnerColumns"/>: the index of the column after them.</summary>
    public const int OwnerColumnCount = 10;

    public static readonly SqlFragment KeysOfAccounts = new("api_keys k join profiles p on p.id = k.user_id and p.deleted_at is null");

    public static Caller ReadOwner(Row row) => new(row.Uuid(1), row.Text(6), row.TextOrNull(7))
    {
        ApiKeyId = row.Uuid(0),
        ApiKeyPrefix = row.Text(2),
        Scopes = ScopeSets.Parse(row.Text(3)),
        ExpiresAt = row.InstantOrNull(4),
        RequestsPerMinute = row.Int32OrNull(5),
        SharedLimit = ReadSharedLimit(row, 8),
    };

    public static SharedLimit? ReadSharedLimit(Row row, int column) =>
        row.UuidOrNull(column) is { } keyId && row.Int32OrNull(column + 1) is { } limit ? new SharedLimit(keyId, limit) : null;

    public Task<StoredKey?> FindAsync(string prefix, CancellationToken cancellationToken) => database.FirstWithTimeoutAsync(
        $"select {OwnerColumns}, k.key_digest, k.key_hash, k.revoked_at from {KeysOfAccounts} where k.key_prefix = {prefix}",
        static row => new StoredKey(
            ReadOwner(row), row.BytesOrNull(OwnerColumnCount), row.Text(OwnerColumnCount + 1), row.InstantOrNull(OwnerColumnCount + 2)),
        cancellationToken);

    /// <summary>Compares a key in constant time; one without a digest is checked against its bcrypt hash.</summary>
    public async ValueTask<KeyMatch> CompareAsync(
        string key,
        KeyDigest digest,
        StoredKey stored,
        KeyPresentation presentation,
        IPAddress? client,
        CancellationToken cancellationToken)
    {
        if (stored.Digest is { } known)
            return CryptographicOperations.FixedTimeEquals(digest.ToArray(), known) ? KeyMatch.Right : KeyMatch.Wrong;
        return await legacy.VerifyAsync(key, stored.Hash, presentation, client, cancellationToken);
    }
}
