using PyResolve.Server.Access;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

internal static class AddressChange
{
    /// <summary>Gives an account another address. Links that were sent to the old one are no longer valid.</summary>
    /// <returns>Whether no other account has the address.</returns>
    public static async Task<bool> TryAsync(
        Session session, Guid userId, EmailAddress email, DateTimeOffset? provedAt, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (await session.NumberAsync(
            $"select count(*) from profiles where email_key = {email.Key} and id <> {userId}", cancellationToken) > 0)
            return false;
        // In two steps, since a changed address alone would drop an unchanged key.
        await session.ExecuteAsync($"update profiles set email_key = null where id = {userId}", cancellationToken);
        await session.ExecuteAsync(
            $"""
            update profiles
            set email = {email.Shown}, email_key = {email.Key}, email_clash = null, email_verified_at = {provedAt},
                owner_proved_at = {provedAt}, updated_at = {now}
            where id = {userId}
            """,
            cancellationToken);
        await session.ExecuteAsync($"update profiles set email_clash = null where email_clash = {userId}", cancellationToken);
        return true;
    }
}
