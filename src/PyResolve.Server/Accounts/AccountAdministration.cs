using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Audit;
using PyResolve.Server.Email;
using PyResolve.Server.Hosting;
using PyResolve.Server.Keys;
using PyResolve.Server.SecondFactor;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>A link that sets a password. <c>IsEmailed</c>: a running server sends one as well.</summary>
internal sealed record PasswordLink(string Url, DateTimeOffset ExpiresAt, bool IsEmailed);

/// <summary>What an operator can do for a person, to help them out of each state that an account can be in.</summary>
internal sealed class AccountAdministration(
    Database database, Passwords passwords, EmailTokens tokens, Credentials credentials, AccountEmails emails, EmailOutbox outbox,
    AccountDeletion deletion, VerifiedKeyCache verified, AuditLog audit, PublicUrl publicUrl, TimeProvider time)
{
    private static readonly QueueShare Operator = new("operator", "operator");

    /// <summary>Creates an account. Without a password, it has none until a link sets it.</summary>
    /// <returns>null where another account has the address.</returns>
    public async Task<UserInfo?> CreateAsync(
        EmailAddress email, string? name, string? password, bool isVerified, CancellationToken cancellationToken)
    {
        await EmailKeys.FillAsync(database, cancellationToken);
        var hash = password is null ? null : await HashAsync(password, cancellationToken);
        var now = time.GetInstant();
        // The operator hands the account to its owner.
        var account = new NewAccount(Ids.Create(now), email, name) { VerifiedAt = isVerified ? now : null, OwnerProvedAt = now };
        return await database.WriteAsync(
            async session =>
            {
                if (await NewAccounts.InsertAsync(session, account, now, cancellationToken) is not { } user)
                    return null;
                if (hash is not null)
                {
                    await StoredPasswords.SetAsync(session, user.Id, hash, now, cancellationToken);
                    if (!isVerified)
                        await emails.QueueVerificationAsync(session, user.Id, cancellationToken);
                }

                await audit.WriteAsync(session, user.Id, Origin.Operator, AuditActions.AccountCreated, target: null, cancellationToken);
                return user;
            },
            cancellationToken);
    }

    /// <summary>Makes a link that sets a password, once. It needs no mail server: the operator hands it over.</summary>
    public Task<PasswordLink> MakeLinkAsync(
        Guid userId, string email, TimeSpan lifetime, bool isInvitation, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            var owner = new EmailTokenOwner(userId, email) { IsByOperator = true };
            var token = await tokens.CreateAsync(session, owner, EmailTokenPurposes.Reset, lifetime, cancellationToken);
            if (isInvitation)
            {
                await outbox.AddAsync(
                    session,
                    new QueuedEmail(EmailKinds.Invitation) { UserId = userId, Detail = $"{lifetime.TotalHours:0}" },
                    cancellationToken);
            }

            await audit.WriteAsync(
                session, userId, Origin.Operator, isInvitation ? AuditActions.Invited : AuditActions.PasswordResetLinkMade, target: null,
                cancellationToken);
            return new PasswordLink(
                $"{publicUrl.Value}/reset-password?token={token}", time.GetInstant() + lifetime, isInvitation && outbox.IsEnabled);
        },
        cancellationToken);

    public Task<bool> HasPasswordAsync(Guid userId, CancellationToken cancellationToken) => database.ReadAsync(
        session => StoredPasswords.ExistsAsync(session, userId, cancellationToken), cancellationToken);

    /// <summary>
    /// Changes the email address. The new one is not verified, unless the operator says so: then an email to it confirms it, and the first
    /// password reset through it revokes what was made before. Links that were sent to the old address are no longer valid.
    /// </summary>
    /// <returns>Whether no other account has the address.</returns>
    public async Task<bool> TrySetEmailAsync(Guid userId, EmailAddress email, bool isVerified, CancellationToken cancellationToken)
    {
        await EmailKeys.FillAsync(database, cancellationToken);
        var now = time.GetInstant();
        var isDone = await database.WriteAsync(
            async session =>
            {
                await Credentials.LockAsync(session, userId, cancellationToken);
                if (!await AddressChange.TryAsync(session, userId, email, provedAt: isVerified ? now : null, now, cancellationToken))
                    return false;
                if (!isVerified)
                    await emails.QueueVerificationAsync(session, userId, cancellationToken);
                await audit.WriteAsync(session, userId, Origin.Operator, AuditActions.EmailChanged, target: null, cancellationToken);
                return true;
            },
            cancellationToken);
        verified.Remove(userId);
        return isDone;
    }

    public async Task DeleteAsync(Guid userId, CancellationToken cancellationToken)
    {
        await database.WriteAsync(session => deletion.DeleteAsync(session, userId, Origin.Operator, cancellationToken), cancellationToken);
        verified.Remove(userId);
    }

    /// <summary>
    /// Turns the second factor off for a person who has lost both the app and the recovery codes: the next login needs the password alone.
    /// </summary>
    /// <returns>Whether there was a second factor.</returns>
    public Task<bool> ResetSecondFactorAsync(Guid userId, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            if (!await SecondFactors.RemoveAsync(session, userId, cancellationToken))
                return false;
            await audit.WriteAsync(session, userId, Origin.Operator, AuditActions.SecondFactorReset, target: null, cancellationToken);
            return true;
        },
        cancellationToken);

    /// <returns>How many sessions ended. Logins that devices wait for end too; keys stay.</returns>
    public Task<long> EndSessionsAsync(Guid userId, Origin by, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            await Credentials.LockAsync(session, userId, cancellationToken);
            var open = await session.NumberAsync(
                $"""
                select count(*) from sessions
                where user_id = {userId} and revoked_at is null and expires_at > {time.GetInstant()}
                """,
                cancellationToken);
            await credentials.EndSessionsAsync(session, userId, except: null, cancellationToken);
            await audit.WriteAsync(session, userId, by, AuditActions.SessionsEnded, target: null, cancellationToken);
            return open ?? 0;
        },
        cancellationToken);

    private async Task<string> HashAsync(string password, CancellationToken cancellationToken)
    {
        using var turn = await passwords.TakeTurnAsync(Operator, cancellationToken);
        return turn!.Hash(password);
    }
}
