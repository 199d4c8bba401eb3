using PyResolve.Server.Audit;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>The end of an account: nothing of it can be used any more, nothing personal is left in its profile; its usage and its audit log stay.</summary>
internal sealed class AccountDeletion(Database database, Sessions sessions, AuditLog audit, TimeProvider time)
{
    /// <summary>For an account that has no password to be asked for.</summary>
    /// <returns>Whether it had none until the end.</returns>
    public Task<bool> DeleteWithoutPasswordAsync(Guid userId, Origin origin, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            var password = await session.FirstAsync($"select user_id from passwords where user_id = {userId}", static row => row.Uuid(0).ToString(), cancellationToken);
            if (password is not null)
                return false;
            await DeleteAsync(session, userId, origin, cancellationToken);
            return true;
        },
        cancellationToken);

    /// <summary>Within a transaction of the caller's. Its e-mail may sign up anew.</summary>
    public async Task DeleteAsync(Session session, Guid userId, Origin origin, CancellationToken cancellationToken)
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
        await session.ExecuteAsync($"delete from device_codes where user_id = {userId}", cancellationToken);
        await audit.WriteAsync(session, userId, origin, AuditActions.AccountDeleted, target: null, cancellationToken);
    }
}
