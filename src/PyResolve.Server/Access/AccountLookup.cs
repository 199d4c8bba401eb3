using PyResolve.Client.Wire;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Access;

internal sealed record FoundAccount(UserInfo User, string? PasswordHash);

internal static class AccountLookup
{
    /// <summary>
    /// Finds an account by its id, which is not looked up, so that deleted accounts are found too, or by its email address.
    /// </summary>
    public static async Task<Guid?> FindAccountIdAsync(this Database database, string idOrEmail, CancellationToken cancellationToken) =>
        Guid.TryParseExact(idOrEmail, "D", out var id)
            ? id
            : (await database.FindAccountAsync(idOrEmail, cancellationToken))?.User.Id;

    /// <summary>
    /// Finds an account by any spelling of its address. Where two accounts have one mailbox, since before addresses had a normal form, the
    /// later one is found by the exact spelling of its own address.
    /// </summary>
    public static async Task<FoundAccount?> FindAccountAsync(
        this Database database, string email, CancellationToken cancellationToken)
    {
        await EmailKeys.FillAsync(database, cancellationToken);
        return await database.FirstAsync(
            $"""
            select p.id, p.email, p.name, p.plan, w.password_hash
            from (
                select id from profiles where email_key = {EmailAddresses.KeyOf(email)}
                union all
                select id from profiles where email_clash is not null and email = {email.Trim().ToLowerInvariant()}) found
            join profiles p on p.id = found.id
            left join passwords w on w.user_id = p.id
            order by p.email_key is null desc
            limit 1
            """,
            static row => new FoundAccount(new UserInfo(row.Uuid(0), row.Text(1), row.TextOrNull(2), row.Text(3)), row.TextOrNull(4)),
            cancellationToken);
    }
}
