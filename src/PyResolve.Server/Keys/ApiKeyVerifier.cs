using System.Security.Cryptography;
using PyResolve.Server.Access;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Keys;

/// <summary>
/// Tells whose key it is. One indexed row and a constant-time comparison of digests; a key that was made by SQL and has none yet is
/// checked against its bcrypt hash once, a few at a time, and its digest is written.
/// </summary>
internal sealed class ApiKeyVerifier(Database database, TimeProvider time) : IDisposable
{
    private readonly SemaphoreSlim _bcryptTurn = new(Environment.ProcessorCount);

    /// <returns>The key's account, or <see langword="null"/> for a key that is unknown, revoked or expired.</returns>
    public async ValueTask<Caller?> VerifyAsync(string key, CancellationToken cancellationToken)
    {
        if (!ApiKeyFormat.IsWellFormed(key))
            return null;

        var prefix = ApiKeyFormat.PrefixOf(key);
        var stored = await database.FirstAsync(
            $"""
            select k.id, k.user_id, k.key_hash, k.key_digest, k.scopes, k.expires_at, k.revoked_at, p.email, p.name, p.plan
            from api_keys k
            join profiles p on p.id = k.user_id
            where k.key_prefix = {prefix}
            """,
            static row => new StoredKey(
                row.Uuid(0),
                row.Text(2),
                row.BytesOrNull(3),
                row.InstantOrNull(6),
                new Caller(row.Uuid(1), row.Text(7), row.TextOrNull(8), row.Text(9))
                {
                    ApiKeyId = row.Uuid(0),
                    Scopes = row.Text(4).Split(' ', StringSplitOptions.RemoveEmptyEntries),
                    ExpiresAt = row.InstantOrNull(5),
                }),
            cancellationToken);

        if (stored is null || stored.RevokedAt is not null || stored.Owner.ExpiresAt <= time.GetUtcNow())
            return null;
        var digest = ApiKeyFormat.DigestOf(key);
        var isRight = stored.Digest is { } known
            ? CryptographicOperations.FixedTimeEquals(digest, known)
            : await VerifyHashAsync(stored, key, digest, cancellationToken);
        return isRight ? stored.Owner : null;
    }

    public void Dispose() => _bcryptTurn.Dispose();

    private async Task<bool> VerifyHashAsync(StoredKey stored, string key, byte[] digest, CancellationToken cancellationToken)
    {
        await _bcryptTurn.WaitAsync(cancellationToken);
        try
        {
            if (!await Task.Run(() => BCrypt.Verify(key, stored.Hash), cancellationToken))
                return false;
        }
        finally
        {
            _bcryptTurn.Release();
        }

        await database.ExecuteAsync($"update api_keys set key_digest = {digest} where id = {stored.Id} and key_digest is null", cancellationToken);
        return true;
    }

    private sealed record StoredKey(Guid Id, string Hash, byte[]? Digest, DateTimeOffset? RevokedAt, Caller Owner);
}
