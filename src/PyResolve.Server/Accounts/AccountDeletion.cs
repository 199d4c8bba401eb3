using PyResolve.Server.Alerts;
using PyResolve.Server.Audit;
using PyResolve.Server.Billing.Webhooks;
using PyResolve.Server.Email;
using PyResolve.Server.Http;
using PyResolve.Server.Keys;
using PyResolve.Server.SecondFactor;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>Deletes an account's credentials and the personal data in its profile. Its usage and its audit log stay.</summary>
internal sealed class AccountDeletion(
    Database database, PasswordProof proof, Sessions sessions, VerifiedKeyCache verified, Inbox billing, AuditLog audit, TimeProvider time)
{
    /// <summary>
    /// Deletes the account, if the password is right. It is ignored where the account has none: the token of the other service is the
    /// proof.
    /// </summary>
    public async Task<ProblemResult?> TryAsync(Guid userId, string? password, Origin origin, CancellationToken cancellationToken)
    {
        if (!await TryWithoutPasswordAsync(userId, origin, cancellationToken))
        {
            if (string.IsNullOrEmpty(password))
                return new ProblemResult(Problems.Invalid("password", ProblemTexts.IsRequired));
            var problem = await proof.TryAsync(
                userId,
                password,
                origin,
                prepare: static _ => true,
                (session, _) => DeleteAsync(session, userId, origin, cancellationToken),
                cancellationToken);
            if (problem is not null)
                return problem;
        }

        verified.Remove(userId);
        return null;
    }

    private Task<bool> TryWithoutPasswordAsync(Guid userId, Origin origin, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            if (await StoredPasswords.ExistsAsync(session, userId, cancellationToken))
                return false;
            await DeleteAsync(session, userId, origin, cancellationToken);
            return true;
        },
        cancellationToken);

    /// <summary>Deletes the account within the caller's transaction; remove its keys from the cache after the commit.</summary>
    public async Task DeleteAsync(Session session, Guid userId, Origin origin, CancellationToken cancellationToken)
    {
        await SpentQuota.RememberAsync(session, userId, time.GetInstant(), cancellationToken);
        await DeleteWithoutQuotaAsync(session, userId, origin, cancellationToken);
    }

    /// <summary>
    /// Deletes as <see cref="DeleteAsync"/> does, where the next account with this address is another person's: what this one used is not
    /// charged to that one.
    /// </summary>
    public async Task DeleteWithoutQuotaAsync(Session session, Guid userId, Origin origin, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        await session.ExecuteAsync(
            $"""
            update profiles set email = '', email_key = null, email_clash = null, name = null, email_verified_at = null,
                owner_proved_at = null, deleted_at = {now}, updated_at = {now}
            where id = {userId}
            """,
            cancellationToken);
        // Another account with the same mailbox can have it now.
        await session.ExecuteAsync($"delete from operators where user_id = {userId}", cancellationToken);
        await session.ExecuteAsync($"update profiles set email_clash = null where email_clash = {userId}", cancellationToken);
        await session.ExecuteAsync(
            $"update api_keys set revoked_at = {now} where user_id = {userId} and revoked_at is null", cancellationToken);
        await sessions.EndAllAsync(session, userId, except: null, cancellationToken);
        await session.ExecuteAsync(
            $"update sessions set address = null, user_agent = null where user_id = {userId}", cancellationToken);
        await session.ExecuteAsync($"delete from passwords where user_id = {userId}", cancellationToken);
        await SecondFactors.RemoveAsync(session, userId, cancellationToken);
        await session.ExecuteAsync($"delete from email_changes where user_id = {userId}", cancellationToken);
        await session.ExecuteAsync($"delete from identities where user_id = {userId}", cancellationToken);
        await session.ExecuteAsync($"delete from email_tokens where user_id = {userId}", cancellationToken);
        await AlertRules.RemoveAllAsync(session, userId, cancellationToken);
        await EmailOutbox.RemoveAllAsync(session, userId, cancellationToken);
        await session.ExecuteAsync($"delete from device_codes where user_id = {userId}", cancellationToken);
        // The sync cancels the subscription.
        await billing.RequestSyncAsync(session, userId, "pyresolve.account_deleted", cancellationToken);
        await audit.WriteAsync(session, userId, origin, AuditActions.AccountDeleted, target: null, cancellationToken);
    }
}
