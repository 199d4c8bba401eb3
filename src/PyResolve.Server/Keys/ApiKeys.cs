using PyResolve.Client.Wire;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Keys;

internal sealed record NewApiKey(string Name, IReadOnlyList<string> Scopes, DateTimeOffset? ExpiresAt, int? RequestsPerMinute);

/// <summary>The keys of an account: made, listed, revoked.</summary>
internal sealed class ApiKeys(Database database, TimeProvider time)
{
    public const string DefaultName = "Default";

    public Task<CreatedApiKey> CreateAsync(Guid userId, NewApiKey wanted, CancellationToken cancellationToken) =>
        database.WriteAsync(session => CreateAsync(session, userId, wanted, cancellationToken), cancellationToken);

    /// <summary>Within a transaction of the caller's. Another key's prefix is met about once in 2^44 tries; then a new one is drawn.</summary>
    public async Task<CreatedApiKey> CreateAsync(Session session, Guid userId, NewApiKey wanted, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        var id = Guid.CreateVersion7(now);
        while (true)
        {
            var key = ApiKeyFormat.Create();
            var prefix = ApiKeyFormat.PrefixOf(key);
            var inserted = await session.ExecuteAsync(
                $"""
                insert into api_keys (id, user_id, key_hash, key_digest, key_prefix, name, scopes, requests_per_minute, created_at, expires_at)
                values ({id}, {userId}, {BCrypt.HashPassword(key)}, {ApiKeyFormat.DigestOf(key)}, {prefix}, {wanted.Name},
                        {string.Join(' ', wanted.Scopes)}, {(long?)wanted.RequestsPerMinute}, {now}, {wanted.ExpiresAt})
                on conflict (key_prefix) do nothing
                """,
                cancellationToken);
            if (inserted == 1)
                return new CreatedApiKey(id, wanted.Name, prefix, wanted.Scopes, wanted.ExpiresAt, key);
        }
    }

    public Task<List<ApiKeyInfo>> ListAsync(Guid userId, CancellationToken cancellationToken) => database.ListAsync(
        $"""
        select id, name, key_prefix, scopes, created_at, last_used_at, expires_at, revoked_at
        from api_keys
        where user_id = {userId}
        order by created_at desc, id desc
        """,
        static row => new ApiKeyInfo(
            row.Uuid(0),
            row.TextOrNull(1) ?? DefaultName,
            row.Text(2),
            row.Text(3).Split(' ', StringSplitOptions.RemoveEmptyEntries),
            row.Instant(4),
            row.InstantOrNull(5),
            row.InstantOrNull(6),
            row.InstantOrNull(7)),
        cancellationToken);

    /// <returns>Whether the account has such a key. Revoking again changes nothing: the first time stands.</returns>
    public async Task<bool> RevokeAsync(Guid userId, Guid id, CancellationToken cancellationToken) => await database.ExecuteAsync(
        $"update api_keys set revoked_at = coalesce(revoked_at, {time.GetInstant()}) where id = {id} and user_id = {userId}",
        cancellationToken) == 1;
}
