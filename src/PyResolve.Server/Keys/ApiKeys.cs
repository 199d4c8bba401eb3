using System.Net;
using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Audit;
using PyResolve.Server.Email;
using PyResolve.Server.Http;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Keys;

/// <summary>A key to create. <c>Shared</c> is the limit of the key that made this one, which both count against.</summary>
internal sealed record NewApiKey(
    string Name, IReadOnlyList<string> Scopes, DateTimeOffset? ExpiresAt, int? RequestsPerMinute, SharedLimit? Shared = null)
{
    public const string ByDeviceLogin = "device login";
    public const string BySignUp = "sign-up";

    /// <summary>The request's key: repeating it creates no second API key.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>The name of who creates the key: one of the above, or as the audit log names who does something; null: not known.</summary>
    public string? MadeBy { get; init; }

    /// <summary>
    /// Whether the key may do more than the caller. A key may change only keys that can do no more than itself; a session may change all of
    /// its account.
    /// </summary>
    public bool IsBeyond(Caller caller) =>
        !Scopes.All(caller.Has)
        || (caller.ExpiresAt is { } end && !(ExpiresAt <= end))
        || (caller.RequestsPerMinute is { } limit && !(RequestsPerMinute <= limit));
}

internal abstract record RotateOutcome
{
    private RotateOutcome()
    {
    }

    public sealed record Rotated(CreatedApiKey Key, DateTimeOffset PreviousExpiresAt) : RotateOutcome;

    public sealed record Ended : RotateOutcome;

    /// <summary>The account may create no more keys now: with a grace period both would be live.</summary>
    public sealed record LimitReached(ProblemResult Problem) : RotateOutcome;

    /// <summary>The key has more scopes, a higher limit or a later expiry than the key that sent the request.</summary>
    public sealed record BeyondCaller : RotateOutcome;

    public sealed record NotFound : RotateOutcome;
}

internal enum RevokeOutcome
{
    /// <summary>The key is revoked, now or earlier.</summary>
    Revoked,

    /// <summary>The key has more scopes, a higher limit or a later expiry than the key that sent the request.</summary>
    BeyondCaller,

    NotFound,
}

/// <summary>Creates, rotates and revokes keys. Each change is in the audit log, in the same transaction.</summary>
internal sealed class ApiKeys(
    Database database, AuditLog audit, VerifiedKeyCache verified, StoredKeys keys, ApiKeySecrets secrets, KeyAllowance allowance,
    AcceptedKeys accepted, EmailOutbox emails, TimeProvider time)
{
    public const string DefaultName = "Default";

    /// <summary>Creates a key. Limits are checked before the key is hashed: a refusal must cost little.</summary>
    public async Task<Outcome<CreatedApiKey>> CreateAsync(
        Caller caller, NewApiKey wanted, Origin origin, CancellationToken cancellationToken)
    {
        var userId = caller.UserId;
        if (await database.ReadAsync(CheckAsync, cancellationToken) is { } refused)
            return refused;
        var secret = await secrets.GenerateAsync(userId, cancellationToken);
        return await database.WriteAsync<Outcome<CreatedApiKey>>(
            async session =>
            {
                await LockAccountAsync(session, userId, cancellationToken);
                if (!await IsStillLiveAsync(session, caller, cancellationToken))
                    return new ProblemResult(Problems.Unauthenticated(ProblemTexts.ApiKeyUnknown));
                if (await CheckAsync(session) is { } problem)
                    return problem;
                var created = await CreateAsync(session, userId, wanted with { MadeBy = origin.Actor }, secret, cancellationToken);
                await audit.WriteAsync(session, userId, origin, AuditActions.KeyCreated, created.Prefix, cancellationToken);
                return created;
            },
            cancellationToken);

        async Task<ProblemResult?> CheckAsync(Session session) =>
            (wanted.IdempotencyKey is { } key ? await FindRepeatedAsync(session, userId, key, cancellationToken) : null)
            ?? await allowance.CheckAsync(session, userId, cancellationToken);
    }

    /// <summary>
    /// Generates a secret for a transaction that creates a key itself. It costs a hash, so check first whether the key may be created.
    /// </summary>
    public Task<ApiKeySecret> GenerateSecretAsync(Guid userId, CancellationToken cancellationToken) =>
        secrets.GenerateAsync(userId, cancellationToken);

    /// <summary>
    /// Creates a key within the caller's transaction. Two keys share a prefix about once in 2^44 times; then another key is generated.
    /// </summary>
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
                    (id, user_id, key_hash, key_digest, key_prefix, name, scopes, requests_per_minute, created_at, expires_at,
                     limited_by, shared_requests_per_minute, idempotency_key, made_by)
                values ({id}, {userId}, {secret.Hash}, {KeyDigest.Of(secret.Key).ToArray()}, {prefix}, {wanted.Name},
                        {ScopeSets.Format(wanted.Scopes)}, {(long?)wanted.RequestsPerMinute}, {now}, {wanted.ExpiresAt},
                        {wanted.Shared?.KeyId}, {(long?)wanted.Shared?.RequestsPerMinute}, {wanted.IdempotencyKey}, {wanted.MadeBy})
                on conflict (key_prefix) do nothing
                """,
                cancellationToken);
            if (inserted == 1)
                return new CreatedApiKey(id, wanted.Name, prefix, wanted.Scopes, wanted.ExpiresAt, secret.Key);
        }
    }

    public Task<ProblemResult?> CheckRoomAsync(Guid userId, CancellationToken cancellationToken) =>
        database.ReadAsync(session => allowance.CheckAsync(session, userId, cancellationToken), cancellationToken);

    /// <summary>
    /// Checks whether the account may have another key. Locks its row, so that concurrent requests count each other's keys.
    /// </summary>
    /// <returns>null where the account may create another key.</returns>
    public async Task<ProblemResult?> CheckRoomAsync(Session session, Guid userId, CancellationToken cancellationToken)
    {
        await LockAccountAsync(session, userId, cancellationToken);
        return await allowance.CheckAsync(session, userId, cancellationToken);
    }

    /// <summary>Replaces a key. Both work for <paramref name="grace"/>; with zero the old one is revoked at once.</summary>
    public async Task<RotateOutcome> RotateAsync(
        Caller caller, Guid id, TimeSpan grace, Origin origin, CancellationToken cancellationToken)
    {
        if ((await database.ReadAsync(session => FindRotatableAsync(session, forUpdate: false), cancellationToken)).Refused is { } refused)
            return refused;
        var secret = await secrets.GenerateAsync(caller.UserId, cancellationToken);
        var outcome = await database.WriteAsync(
            async session =>
            {
                await LockAccountAsync(session, caller.UserId, cancellationToken);
                var (old, problem) = await FindRotatableAsync(session, forUpdate: true);
                if (old is null)
                    return problem!;
                var now = time.GetInstant();
                var wanted = old.Successor with { MadeBy = origin.Actor };
                var created = await CreateAsync(session, caller.UserId, wanted, secret, cancellationToken);
                var lastInstant = Earlier(now + grace, old.Terms.ExpiresAt);
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

        async Task<(OwnedKey? Key, RotateOutcome? Refused)> FindRotatableAsync(Session session, bool forUpdate)
        {
            var old = await OwnedKey.FindAsync(session, caller.UserId, id, forUpdate, cancellationToken);
            if (old is null)
                return (null, new RotateOutcome.NotFound());
            if (old.IsRevoked || old.IsReplaced || old.Terms.ExpiresAt <= time.GetInstant())
                return (null, new RotateOutcome.Ended());
            if (old.Terms.IsBeyond(caller))
                return (null, new RotateOutcome.BeyondCaller());
            var problem = grace == TimeSpan.Zero
                ? await allowance.CheckRateAsync(session, caller.UserId, cancellationToken)
                : await allowance.CheckAsync(session, caller.UserId, cancellationToken);
            return problem is null ? (old, null) : (null, new RotateOutcome.LimitReached(problem));
        }
    }

    /// <summary>Revokes any key, for an operator.</summary>
    /// <returns>Whether the account has such a key.</returns>
    public async Task<bool> RevokeAsync(Guid userId, Guid id, Origin origin, CancellationToken cancellationToken) =>
        await RevokeAsync(new Caller(userId, Email: "", Name: null), id, origin, cancellationToken) is RevokeOutcome.Revoked;

    /// <summary>Revokes a key. Revoking it again changes nothing.</summary>
    public async Task<RevokeOutcome> RevokeAsync(Caller caller, Guid id, Origin origin, CancellationToken cancellationToken)
    {
        var outcome = await database.WriteAsync(
            async session =>
            {
                var key = await OwnedKey.FindAsync(session, caller.UserId, id, forUpdate: true, cancellationToken);
                if (key is null)
                    return RevokeOutcome.NotFound;
                if (key.Terms.IsBeyond(caller))
                    return RevokeOutcome.BeyondCaller;
                if (await TryRevokeAsync(session, id, cancellationToken))
                    await audit.WriteAsync(session, caller.UserId, origin, AuditActions.KeyRevoked, key.Prefix, cancellationToken);
                return RevokeOutcome.Revoked;
            },
            cancellationToken);
        // On this instance at once; on others within a second.
        verified.Remove(caller.UserId);
        return outcome;
    }

    /// <summary>Revokes a key for anyone who has the whole of it.</summary>
    public async Task RevokeLeakedAsync(string key, Origin origin, IPAddress? client, CancellationToken cancellationToken)
    {
        if (!accepted.IsWellFormed(key))
            return;
        var prefix = ApiKeyFormat.PrefixOf(key);
        if (await keys.FindAsync(prefix, cancellationToken) is not { } stored)
            return;
        var (id, userId) = (stored.Owner.ApiKeyId!.Value, stored.Owner.UserId);
        var match = await keys.CompareAsync(key, KeyDigest.Of(key), stored, KeyPresentation.LeakReport, client, cancellationToken);
        if (match is not KeyMatch.Right)
            return;

        await database.WriteAsync(
            async session =>
            {
                // Also of a key that is revoked already, by a request that was cut short: the lock waits until that is replicated.
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

    /// <summary>
    /// Locks the account before its keys. Inserting a key or an email locks the account too, so locking the keys first would let two
    /// transactions deadlock.
    /// </summary>
    private static Task<int> LockAccountAsync(Session session, Guid userId, CancellationToken cancellationToken) =>
        session.ExecuteAsync($"select id from profiles where id = {userId} {session.Engine.ForUpdate}", cancellationToken);

    /// <summary>
    /// Whether the caller's credential is still valid. A request may wait for a while after it was checked; where a reset has revoked it
    /// since, nothing may be made with it.
    /// </summary>
    private static async Task<bool> IsStillLiveAsync(Session session, Caller caller, CancellationToken cancellationToken)
    {
        if (caller.ApiKeyId is { } key)
        {
            return await session.NumberAsync(
                $"select count(*) from api_keys where id = {key} and revoked_at is null", cancellationToken) == 1;
        }

        return caller.SessionId is not { } id || await session.NumberAsync(
            $"select count(*) from sessions where id = {id} and revoked_at is null", cancellationToken) == 1;
    }

    private async Task<bool> TryRevokeAsync(Session session, Guid id, CancellationToken cancellationToken) => await session.ExecuteAsync(
        $"update api_keys set revoked_at = {time.GetInstant()} where id = {id} and revoked_at is null", cancellationToken) == 1;

    private static async Task<ProblemResult?> FindRepeatedAsync(
        Session session, Guid userId, string idempotencyKey, CancellationToken cancellationToken) => await session.FirstAsync(
        $"select key_prefix, id from api_keys where user_id = {userId} and idempotency_key = {idempotencyKey}",
        static row => new ProblemResult(Problems.Conflict(ProblemTexts.ApiKeyCreatedBefore(row.Text(0), row.Uuid(1)))),
        cancellationToken);

    private static DateTimeOffset Earlier(DateTimeOffset one, DateTimeOffset? other) => other < one ? other.Value : one;
}
