using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Accounts;
using PyResolve.Server.Audit;
using PyResolve.Server.Http;
using PyResolve.Server.Keys;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Identity;

/// <summary>
/// The accounts of people whom trusted issuers name: found by issuer and subject, never by email, which an issuer may not verify, and
/// created by their first token.
/// </summary>
internal sealed class Identities(
    Database database, ExternalTokens tokens, AccountDeletion deletion, VerifiedKeyCache verified, AuditLog audit, TimeProvider time)
{
    private static readonly ProblemResult NotTrusted = new(Problems.Unauthenticated("Invalid or expired token. Sign in again."));
    private static readonly ProblemResult NoEmail = new(Problems.Unauthenticated(
        "The token names no email. Ask its issuer for one (the scope is often called email)."));
    private static readonly ProblemResult Deleted = new(Problems.Unauthenticated("This account was deleted."));
    private static readonly ProblemResult EmailTaken = new(Problems.Conflict(
        "There is an account with this email already, which signs in another way. "
        + "Sign in that way, or give one of the two another email."));
    private static readonly ProblemResult IssuerDown = new(
        Problems.Create(503, ProblemCodes.Unavailable, "The service that issued this token does not answer, so that it cannot be checked."),
        SigningKeys.MinInterval);

    public bool Accepts(string credential) => tokens.Accepts(credential);

    public async ValueTask<Outcome<Caller>> AuthenticateAsync(string token, Origin origin, CancellationToken cancellationToken)
    {
        ExternalIdentity? identity;
        try
        {
            identity = await tokens.VerifyAsync(token, cancellationToken);
        }
        catch (IssuerUnavailableException)
        {
            return IssuerDown;
        }

        return identity is null ? NotTrusted : await EnterAsync(identity, origin, cancellationToken);
    }

    /// <summary>Finds or makes the account of a person whom a trusted issuer names.</summary>
    public async ValueTask<Outcome<Caller>> EnterAsync(ExternalIdentity identity, Origin origin, CancellationToken cancellationToken)
    {
        if (await database.ReadWithTimeoutAsync((session, token) => FindAsync(session, identity, token), cancellationToken) is { } caller)
            return caller;
        if (EmailOf(identity) is not { } email)
            return NoEmail;
        await EmailKeys.FillAsync(database, cancellationToken);
        Guid? yielded = null;
        var outcome = await database.WriteAsync(
            async session =>
            {
                yielded = await TakeOverAddressAsync(session, identity, email, origin, cancellationToken);
                return await CreateAsync(session, identity, email, origin, cancellationToken);
            },
            cancellationToken);
        if (yielded is { } userId)
            verified.Remove(userId);
        return outcome;
    }

    /// <summary>
    /// Deletes an account that somebody signed up with the address of a person who comes through the issuer, with the keys that were made
    /// in it: nobody has shown that they read the address, and the issuer vouches for its user. An account that has paid stays.
    /// </summary>
    private async Task<Guid?> TakeOverAddressAsync(
        Session session, ExternalIdentity identity, EmailAddress email, Origin origin, CancellationToken cancellationToken)
    {
        if (!identity.EmailIsVouchedFor)
            return null;
        var squatter = await session.FirstAsync(
            $"""
            select id
            from profiles
            where email_key = {email.Key} and email_verified_at is null and owner_proved_at is null and stripe_customer_id is null
              and plan = 'free' and plan_override is null
              and not exists (select 1 from identities i where i.user_id = profiles.id)
              and exists (select 1 from passwords w where w.user_id = profiles.id)
            {session.Engine.ForUpdate}
            """,
            static row => new { Id = row.Uuid(0) },
            cancellationToken);
        if (squatter is null || (identity.Issuer.SubjectIsAccount && squatter.Id.ToString() == identity.Subject))
            return null;
        await deletion.DeleteWithoutQuotaAsync(session, squatter.Id, origin, cancellationToken);
        return squatter.Id;
    }

    private static Task<Caller?> FindAsync(
        Session session, ExternalIdentity identity, CancellationToken cancellationToken) => session.FirstAsync(
        $"""
        select p.id, p.email, p.name
        from identities i
        join profiles p on p.id = i.user_id
        where i.issuer = {identity.Issuer.Name} and i.subject = {identity.Subject} and p.deleted_at is null
        """,
        static row => new Caller(row.Uuid(0), row.Text(1), row.TextOrNull(2)),
        cancellationToken);

    private static EmailAddress? EmailOf(ExternalIdentity identity) =>
        identity.Email is { } email ? EmailAddresses.Parse(email) : null;

    private async Task<Outcome<Caller>> CreateAsync(
        Session session, ExternalIdentity identity, EmailAddress email, Origin origin, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        var account = new NewAccount(
            identity.Issuer.SubjectIsAccount ? Guid.Parse(identity.Subject) : Guid.CreateVersion7(now), email, identity.Name)
        {
            VerifiedAt = identity.EmailIsVerified ? now : null,
            OwnerProvedAt = now,
            IdentityDigest = SpentQuota.OfIdentity(identity.Issuer.Name, identity.Subject),
        };
        var isNew = false;
        Caller caller;
        if (await NewAccounts.InsertAsync(session, account, now, cancellationToken) is { } user)
        {
            isNew = true;
            caller = new Caller(user.Id, user.Email, user.Name);
        }
        else
        {
            // Another request of the same person may have been first.
            if (await FindAsync(session, identity, cancellationToken) is { } created)
                return created;
            if (!identity.Issuer.SubjectIsAccount)
                return EmailTaken;
            var existing = await FindAccountAsync(session, account.Id, cancellationToken);
            if (existing.Value is null)
                return existing;
            caller = existing.Value;
        }

        var isLinked = await session.ExecuteAsync(
            $"""
            insert into identities (issuer, subject, user_id, created_at)
            values ({identity.Issuer.Name}, {identity.Subject}, {caller.UserId}, {now})
            on conflict do nothing
            """,
            cancellationToken) == 1;
        if (isNew)
            await audit.WriteAsync(session, caller.UserId, origin, AuditActions.AccountCreated, target: null, cancellationToken);
        await session.ExecuteAsync(
            $"update profiles set owner_proved_at = {now} where id = {caller.UserId} and owner_proved_at is null", cancellationToken);
        if (isLinked)
            await audit.WriteAsync(session, caller.UserId, origin, AuditActions.IdentityLinked, identity.Issuer.Name, cancellationToken);
        return caller;
    }

    /// <summary>Finds the account whose id is the subject: a trigger in Supabase's database created it, or another issuer name.</summary>
    private static async Task<Outcome<Caller>> FindAccountAsync(Session session, Guid id, CancellationToken cancellationToken)
    {
        var account = await session.FirstAsync(
            $"select id, email, name, deleted_at from profiles where id = {id} {session.Engine.ForUpdate}",
            static row => new { Caller = new Caller(row.Uuid(0), row.Text(1), row.TextOrNull(2)), DeletedAt = row.InstantOrNull(3) },
            cancellationToken);
        if (account is null)
            return EmailTaken;
        return account.DeletedAt is null ? account.Caller : Deleted;
    }
}
