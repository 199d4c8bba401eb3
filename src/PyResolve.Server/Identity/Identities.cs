using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Audit;
using PyResolve.Server.Http;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Identity;

/// <summary>Found by issuer and subject, never by email, which an issuer may not verify. Created by their first token.</summary>
internal sealed class Identities(Database database, ExternalTokens tokens, AuditLog audit, TimeProvider time)
{
    private static readonly ProblemResult NotTrusted = new(Problems.Unauthenticated("Invalid or expired token. Sign in again."));
    private static readonly ProblemResult NoEmail = new(Problems.Unauthenticated(
        "The token names no e-mail. Ask its issuer for one (the scope is often called email)."));
    private static readonly ProblemResult Deleted = new(Problems.Unauthenticated("This account was deleted."));
    private static readonly ProblemResult EmailTaken = new(Problems.Conflict(
        "There is an account with this e-mail already, which signs in another way. "
        + "Sign in that way, or give one of the two another e-mail."));
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

        if (identity is null)
            return NotTrusted;
        if (await database.ReadWithTimeoutAsync((session, token) => FindAsync(session, identity, token), cancellationToken) is { } caller)
            return caller;
        if (EmailOf(identity) is not { } email)
            return NoEmail;
        return await database.WriteAsync(session => CreateAsync(session, identity, email, origin, cancellationToken), cancellationToken);
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

    private static string? EmailOf(ExternalIdentity identity)
    {
        var errors = new FieldErrors();
        errors.Email("email", identity.Email);
        return errors.Problem is null ? EmailAddresses.Normalize(identity.Email!) : null;
    }

    private async Task<Outcome<Caller>> CreateAsync(
        Session session, ExternalIdentity identity, string email, Origin origin, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        var caller = new Caller(
            identity.Issuer.SubjectIsAccount ? Guid.Parse(identity.Subject) : Guid.CreateVersion7(now),
            email,
            identity.Name ?? email[..email.IndexOf('@')]);
        DateTimeOffset? verifiedAt = identity.EmailIsVerified ? now : null;
        var isNew = await session.ExecuteAsync(
            $"""
            insert into profiles (id, email, name, plan, email_verified_at, created_at, updated_at)
            values ({caller.UserId}, {caller.Email}, {caller.Name}, {PlanCatalog.Free}, {verifiedAt}, {now}, {now})
            on conflict do nothing
            """,
            cancellationToken) == 1;
        if (!isNew)
        {
            // Another request of the same person may have been first.
            if (await FindAsync(session, identity, cancellationToken) is { } created)
                return created;
            if (!identity.Issuer.SubjectIsAccount)
                return EmailTaken;
            var existing = await FindAccountAsync(session, caller.UserId, cancellationToken);
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
        if (isLinked)
            await audit.WriteAsync(session, caller.UserId, origin, AuditActions.IdentityLinked, identity.Issuer.Name, cancellationToken);
        return caller;
    }

    /// <summary>The account whose id is the subject: created by a trigger in Supabase's database, or by another issuer name.</summary>
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
