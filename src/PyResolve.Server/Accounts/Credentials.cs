using PyResolve.Server.Audit;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>
/// Ends credentials when an account changes hands. The person who reads the mailbox is the owner of the account, also when somebody else
/// signed up with the address.
/// </summary>
internal sealed class Credentials(Sessions sessions, AuditLog audit, TimeProvider time)
{
    /// <summary>Locks the account, before its other rows.</summary>
    /// <returns>Whether the owner has taken over before.</returns>
    public static async Task<bool> LockAsync(Session session, Guid userId, CancellationToken cancellationToken) =>
        await session.FirstAsync(
            $"select owner_proved_at from profiles where id = {userId} {session.Engine.ForUpdate}",
            static row => new { ProvedAt = row.InstantOrNull(0) },
            cancellationToken) is { ProvedAt: not null };

    /// <summary>Notes that from now on the credentials are the owner's own.</summary>
    public Task<int> MarkProvedAsync(Session session, Guid userId, CancellationToken cancellationToken) => session.ExecuteAsync(
        $"update profiles set owner_proved_at = coalesce(owner_proved_at, {time.GetInstant()}) where id = {userId}", cancellationToken);

    public Task<int> MarkVerifiedAsync(Session session, EmailTokenOwner owner, CancellationToken cancellationToken) => session.ExecuteAsync(
        $"""
        update profiles set email_verified_at = coalesce(email_verified_at, {time.GetInstant()})
        where id = {owner.UserId} and email = {owner.Email}
        """,
        cancellationToken);

    /// <summary>
    /// Ends sessions, and what was begun before: a login that waits for its code, a device login that was approved, a change of the
    /// address.
    /// </summary>
    public async Task EndSessionsAsync(Session session, Guid userId, Guid? except, CancellationToken cancellationToken)
    {
        await sessions.EndAllAsync(session, userId, except, cancellationToken);
        await session.ExecuteAsync($"delete from device_codes where user_id = {userId} and state = 'approved'", cancellationToken);
        await session.ExecuteAsync($"delete from pending_logins where user_id = {userId}", cancellationToken);
        await session.ExecuteAsync($"delete from email_changes where user_id = {userId}", cancellationToken);
    }

    /// <summary>Revokes every key, session and approved device login.</summary>
    public async Task RevokeAllAsync(Session session, Guid userId, Origin origin, CancellationToken cancellationToken)
    {
        await EndSessionsAsync(session, userId, except: null, cancellationToken);
        var revoked = await session.ExecuteAsync(
            $"update api_keys set revoked_at = {time.GetInstant()} where user_id = {userId} and revoked_at is null", cancellationToken);
        if (revoked > 0)
            await audit.WriteAsync(session, userId, origin, AuditActions.KeysRevoked, $"{revoked} keys", cancellationToken);
    }
}
