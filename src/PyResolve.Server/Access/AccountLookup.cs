using PyResolve.Client.Wire;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Access;

internal sealed record FoundAccount(UserInfo User, string? PasswordHash);

internal static class AccountLookup
{
    public static Task<FoundAccount?> FindAccountAsync(this Database database, string email, CancellationToken cancellationToken) =>
        database.FirstAsync(
            $"""
            select p.id, p.email, p.name, p.plan, w.password_hash
            from profiles p
            left join passwords w on w.user_id = p.id
            where lower(p.email) = {EmailAddresses.Normalize(email)} and p.email <> ''
            """,
            static row => new FoundAccount(new UserInfo(row.Uuid(0), row.Text(1), row.TextOrNull(2), row.Text(3)), row.TextOrNull(4)),
            cancellationToken);
}
