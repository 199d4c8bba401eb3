using System.Net;
using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Audit;
using PyResolve.Server.Email;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Keys;

internal sealed record NewApiKey(string Name, IReadOnlyList<string> Scopes, DateTimeOffset? ExpiresAt, int? RequestsPerMinute);

/// <summary>Made before the transaction that stores it: hashing takes milliseconds while other writers wait.</summary>
internal sealed record ApiKeySecret(string Key, string Hash)
{
    public static ApiKeySecret Generate()
    {
        var key = ApiKeyFormat.Create();
        return new ApiKeySecret(key, KeyHash.Create(key));
    }

    public override string ToString() => ApiKeyFormat.PrefixOf(Key);
}

internal abstract record RotateOutcome
{
    private RotateOutcome()
    {
    }

    public sealed record Rotated(CreatedApiKey Key, DateTimeOffset PreviousExpiresAt) : RotateOutcome;

    public sealed record Ended : RotateOutcome;

    /// <summary>With a grace period both keys would be live, and the account is at its limit of live keys.</summary>
    public sealed record LimitReached : RotateOutcome;

    /// <summary>The key has more scopes, a higher limit or a later expiry than the key that sent the request.</summary>
    public sealed record BeyondCaller : RotateOutcome;

    public sealed record NotFound : RotateOutcome;
}

/// <summary>Each change is in the audit log, in the same transaction.</summary>
internal sealed class ApiKeys(
    Database database, AuditLog audit, VerifiedKeyCache verified, StoredKeys keys, EmailOutbox emails, ServerOptions options,
    TimeProvider time)
{
    public const string DefaultName = "Default";

    /// <returns>null where the account is at its limit of live keys: <see cref="TooMany"/>.</returns>
    public Task<CreatedApiKey?> CreateAsync(Guid userId, NewApiKey wanted, Origin origin, CancellationToken cancellationToken)
    {
        var secret = ApiKeySecret.Generate();
        return database.WriteAsync(
            async session =>
            {
                if (!await HasRoomAsync(session, userId, cancellationToken))
                    return null;
                var created = await CreateAsync(session, userId, wanted, secret, cancellationToken);
                await audit.WriteAsync(session, userId, origin, AuditActions.KeyCreated, created.Prefix, cancellationToken);
                return (CreatedApiKey?)created;
            },
            cancellationToken);
    }

    /// <summary>Within the caller's transaction. Two keys share a prefix about once in 2^44 times; then another key is generated.</summary>
    public async Task<CreatedApiKey> CreateAsync(
        Session session, Guid userId, NewApiKey wanted, ApiKeySecret secret, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        var id = Ids.Create(now);
        for (; ; secret = ApiKeySecret.Generate())
        {
            var prefix = ApiKeyFormat.PrefixOf(secret.Key);
            var inserted = await session.ExecuteAsync(
                $"""
                insert into api_keys
                    (id, user_id, key_hash, key_digest, key_prefix, name, scopes, requests_per_minute, created_at, expires_at)
                values ({id}, {userId}, {secret.Hash}, {KeyDigest.Of(secret.Key).ToArray()}, {prefix}, {wanted.Name},
                        {ScopeSets.Format(wanted.Scopes)}, {(long?)wanted.RequestsPerMinute}, {now}, {wanted.ExpiresAt})
                on conflict (key_prefix) do nothing
                """,
                cancellationToken);
            if (inserted == 1)
                return new CreatedApiKey(id, wanted.Name, prefix, wanted.Scopes, wanted.ExpiresAt, secret.Key);
        }
    }

    public Problem TooMany => Problems.Conflict(
        $"This account has {options.LiveKeysPerAccount} live API keys, the most that it may have. Revoke those that are not used: "
        + "GET /auth/api-keys lists them.");

    /// <summary>Locks the account's row, so that concurrent requests count each other's keys.</summary>
    public async Task<bool> HasRoomAsync(Session session, Guid userId, CancellationToken cancellationToken)
    {
        await LockAccountAsync(session, userId, cancellationToken);
        var live = await session.NumberAsync(
            $"""
            select count(*) from api_keys
            where user_id = {userId} and revoked_at is null and (expires_at is null or expires_at > {time.GetInstant()})
            """,
            cancellationToken);
        return live < options.LiveKeysPerAccount;
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
            ScopeSets.Parse(row.Text(3)),
            row.Instant(4),
            row.InstantOrNull(5),
            row.InstantOrNull(6),
            row.InstantOrNull(7)),
        cancellationToken);

    /// <summary>Both keys work for <paramref name="grace"/>; with zero the old one is revoked at once.</summary>
    public async Task<RotateOutcome> RotateAsync(
        Caller caller, Guid id, TimeSpan grace, Origin origin, CancellationToken cancellationToken)
    {
        var secret = ApiKeySecret.Generate();
        var outcome = await database.WriteAsync<RotateOutcome>(
            async session =>
            {
                var now = time.GetInstant();
                var hasRoom = await HasRoomAsync(session, caller.UserId, cancellationToken) || grace == TimeSpan.Zero;
                var old = await session.FirstAsync(
                    $"""
                    select name, scopes, expires_at, requests_per_minute, revoked_at, replaced_by, key_prefix
                    from api_keys
                    where id = {id} and user_id = {caller.UserId} {session.Engine.ForUpdate}
                    """,
                    static row => new
                    {
                        Wanted = new NewApiKey(
                            row.TextOrNull(0) ?? DefaultName, ScopeSets.Parse(row.Text(1)), row.InstantOrNull(2), row.Int32OrNull(3)),
                        IsRevoked = row.InstantOrNull(4) is not null,
                        IsReplaced = row.UuidOrNull(5) is not null,
                        Prefix = row.Text(6),
                    },
                    cancellationToken);
                if (old is null)
                    return new RotateOutcome.NotFound();
                if (old.IsRevoked || old.IsReplaced || old.Wanted.ExpiresAt <= now)
                    return new RotateOutcome.Ended();
                if (!old.Wanted.Scopes.All(caller.Has) || (caller.ExpiresAt is { } end && !(old.Wanted.ExpiresAt <= end)))
                    return new RotateOutcome.BeyondCaller();
                if (old.Wanted.RequestsPerMinute is not { } limit ? caller.RequestsPerMinute is not null : limit > caller.RequestsPerMinute)
                    return new RotateOutcome.BeyondCaller();
                if (!hasRoom)
                    return new RotateOutcome.LimitReached();

                var created = await CreateAsync(session, caller.UserId, old.Wanted, secret, cancellationToken);
                var lastInstant = Earlier(now + grace, old.Wanted.ExpiresAt);
                await session.ExecuteAsync(
                    $"""
                    update api_keys
                    set replaced_by = {created.Id}, expires_at = {lastInstant}, revoked_at = {(grace == TimeSpan.Zero ? now : null)}
                    where id = {id}
                    """,
                    cancellationToken);
                await audit.WriteAsync(
                    session, caller.UserId, origin, AuditActions.KeyRotated, $"{old.Prefix} to {created.Prefix}", cancellationToken);
                return new RotateOutcome.Rotated(created, lastInstant);
            },
            cancellationToken);
        verified.Remove(caller.UserId);
        return outcome;
    }

    /// <returns>Whether the account has such a key. Revoking it again changes nothing.</returns>
    public async Task<bool> RevokeAsync(Guid userId, Guid id, Origin origin, CancellationToken cancellationToken)
    {
        var exists = await database.WriteAsync(
            async session =>
            {
                var key = await session.FirstAsync(
                    $"select key_prefix from api_keys where id = {id} and user_id = {userId} {session.Engine.ForUpdate}",
                    static row => row.Text(0),
                    cancellationToken);
                if (key is not null && await TryRevokeAsync(session, id, cancellationToken))
                    await audit.WriteAsync(session, userId, origin, AuditActions.KeyRevoked, key, cancellationToken);
                return key is not null;
            },
            cancellationToken);
        // On this instance at once; on others within a second.
        verified.Remove(userId);
        return exists;
    }

    /// <summary>Anyone who has the whole key may have it revoked.</summary>
    public async Task RevokeLeakedAsync(string key, Origin origin, IPAddress? client, CancellationToken cancellationToken)
    {
        if (!ApiKeyFormat.IsWellFormed(key))
            return;
        var prefix = ApiKeyFormat.PrefixOf(key);
        if (await keys.FindAsync(prefix, cancellationToken) is not { RevokedAt: null } stored)
            return;
        var (id, userId) = (stored.Owner.ApiKeyId!.Value, stored.Owner.UserId);
        var match = await keys.CompareAsync(key, KeyDigest.Of(key), stored, KeyPresentation.LeakReport, client, cancellationToken);
        if (match is not KeyMatch.Right)
            return;

        await database.WriteAsync(
            async session =>
            {
                await LockAccountAsync(session, userId, cancellationToken);
                if (!await TryRevokeAsync(session, id, cancellationToken))
                    return;
                await audit.WriteAsync(session, userId, origin, AuditActions.KeyLeaked, prefix, cancellationToken);
                await emails.AddAsync(session, new QueuedEmail(EmailKinds.Leak) { UserId = userId, Detail = prefix }, cancellationToken);
            },
            cancellationToken);
        verified.Remove(userId);
        emails.Wake();
    }

    /// <summary>Inserting a key or an email locks its account too, so locking the keys first would let two transactions deadlock.</summary>
    private static Task<int> LockAccountAsync(Session session, Guid userId, CancellationToken cancellationToken) =>
        session.ExecuteAsync($"select id from profiles where id = {userId} {session.Engine.ForUpdate}", cancellationToken);

    private async Task<bool> TryRevokeAsync(Session session, Guid id, CancellationToken cancellationToken) => await session.ExecuteAsync(
        $"update api_keys set revoked_at = {time.GetInstant()} where id = {id} and revoked_at is null", cancellationToken) == 1;

    private static DateTimeOffset Earlier(DateTimeOffset one, DateTimeOffset? other) => other < one ? other.Value : one;
}
