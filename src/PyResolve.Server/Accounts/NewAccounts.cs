using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>An account that is to be created.</summary>
internal sealed record NewAccount(Guid Id, EmailAddress Email, string? Name)
{
    /// <summary>When its mailbox was shown to be the owner's; null: not yet.</summary>
    public DateTimeOffset? VerifiedAt { get; init; }

    /// <summary>When its credentials were known to be those of the mailbox's owner; null: not yet.</summary>
    public DateTimeOffset? OwnerProvedAt { get; init; }

    /// <summary>The digest of the external identity that the account is created for.</summary>
    public byte[]? IdentityDigest { get; init; }
}

internal static class NewAccounts
{
    /// <returns>null where another account has the address, or the id.</returns>
    public static async Task<UserInfo?> InsertAsync(
        Session session, NewAccount account, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var name = string.IsNullOrWhiteSpace(account.Name)
            ? account.Email.Shown[..account.Email.Shown.IndexOf('@', StringComparison.Ordinal)]
            : account.Name.Trim();
        var user = new UserInfo(account.Id, account.Email.Shown, name, PlanCatalog.Free);
        var inserted = await session.ExecuteAsync(
            $"""
            insert into profiles (id, email, email_key, name, plan, email_verified_at, owner_proved_at, created_at, updated_at)
            values ({user.Id}, {user.Email}, {account.Email.Key}, {user.Name}, {user.Plan}, {account.VerifiedAt}, {account.OwnerProvedAt},
                    {now}, {now})
            on conflict do nothing
            """,
            cancellationToken);
        if (inserted == 0)
            return null;
        byte[][] digests = account.IdentityDigest is { } identity
            ? [SpentQuota.OfEmail(user.Email), identity]
            : [SpentQuota.OfEmail(user.Email)];
        await SpentQuota.CarryOverAsync(session, user.Id, digests, now, cancellationToken);
        return user;
    }
}
