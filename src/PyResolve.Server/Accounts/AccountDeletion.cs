using PyResolve.Server.Audit;
using PyResolve.Server.Billing.Webhooks;
using PyResolve.Server.Email;
using PyResolve.Server.Http;
using PyResolve.Server.Keys;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>The end of an account: nothing of it can be used any more, nothing personal is left in its profile; its usage and its audit log stay.</summary>
internal sealed class AccountDeletion(Database database, PasswordProof proof, Sessions sessions, VerifiedKeys verified, Inbox billing, AuditLog audit, TimeProvider time)
{
    /// <param name="userId">The account.</param>
    /// <param name="password">Not needed where the account has none: it signs in through another service, whose token is the proof.</param>
    /// <param name="origin">Where from.</param>
    /// <param name="cancellationToken">Abandons it.</param>
    /// <returns><see langword="null"/> when it was done.</returns>
    public async Task<Refusal?> TryAsync(Guid userId, string? password, Origin origin, CancellationToken cancellationToken)
    {
        if (!await TryWithoutPasswordAsync(userId, origin, cancellationToken))
        {
            if (string.IsNullOrEmpty(password))
                return new Refusal(Problems.Invalid("password", "is required."));
            var refusal = await proof.TryAsync(
                userId, password, static _ => true, (session, _) => DeleteAsync(session, userId, origin, cancellationToken), cancellationToken);
            if (refusal is not null)
                return refusal;
        }

        verified.Forget(userId);
        return null;
    }

    private Task<bool> TryWithoutPasswordAsync(Guid userId, Origin origin, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            if (await session.NumberAsync($"select count(*) from passwords where user_id = {userId}", cancellationToken) > 0)
                return false;
            await DeleteAsync(session, userId, origin, cancellationToken);
            return true;
        },
        cancellationToken);

    /// <summary>Its e-mail may sign up anew.</summary>
    private async Task DeleteAsync(Session session, Guid userId, Origin origin, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        await session.ExecuteAsync(
            $"update profiles set email = '', name = null, email_verified_at = null, deleted_at = {now}, updated_at = {now} where id = {userId}",
            cancellationToken);
        await session.ExecuteAsync($"update api_keys set revoked_at = {now} where user_id = {userId} and revoked_at is null", cancellationToken);
        await sessions.EndAllAsync(session, userId, except: null, cancellationToken);
        await session.ExecuteAsync($"delete from passwords where user_id = {userId}", cancellationToken);
        await session.ExecuteAsync($"delete from identities where user_id = {userId}", cancellationToken);
        await session.ExecuteAsync($"delete from email_tokens where user_id = {userId}", cancellationToken);
        await Outbox.RemoveAllAsync(session, userId, cancellationToken);
        await session.ExecuteAsync($"delete from device_codes where user_id = {userId}", cancellationToken);
        // Its subscription is cancelled by that sync: nobody is to pay for what nobody can use.
        await billing.RequestSyncAsync(session, userId, "pyresolve.account_deleted", cancellationToken);
        await audit.WriteAsync(session, userId, origin, AuditActions.AccountDeleted, target: null, cancellationToken);
    }
}
