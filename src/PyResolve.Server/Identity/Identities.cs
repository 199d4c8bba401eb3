using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Accounts;
using PyResolve.Server.Audit;
using PyResolve.Server.Http;
using PyResolve.Server.Plans;
using PyResolve.Server.Quota;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Identity;

/// <summary>
/// The accounts of people who sign in elsewhere: found by issuer and subject, never by e-mail, which an issuer may let anybody claim;
/// made on first sight.
/// </summary>
internal sealed class Identities(Database database, ExternalTokens tokens, AuditLog audit, TimeProvider time)
{
    private static readonly Refusal NotTrusted = new(Problems.Unauthenticated("Invalid or expired token. Sign in again."));
    private static readonly Refusal NoEmail = new(Problems.Unauthenticated("The token names no e-mail. Ask its issuer for one (the scope is often called email)."));
    private static readonly Refusal Deleted = new(Problems.Unauthenticated("This account was deleted."));
    private static readonly Refusal EmailTaken = new(Problems.Conflict(
        "There is an account with this e-mail already, which signs in another way. Sign in that way, or give one of the two another e-mail."));
    private static readonly Refusal IssuerDown = new(
        Problems.Create(503, ProblemCodes.Unavailable, "The service that issued this token does not answer, so that it cannot be checked."), SigningKeys.ShortestInterval);

    /// <inheritdoc cref="ExternalTokens.Accepts"/>
    public bool Accepts(string credential) => tokens.Accepts(credential);

    /// <summary>The account that a token opens.</summary>
    public async ValueTask<(Caller? Caller, Refusal? Refusal)> FindAsync(string token, Origin origin, CancellationToken cancellationToken)
    {
        ExternalIdentity? identity;
        try
        {
            identity = await tokens.VerifyAsync(token, cancellationToken);
        }
        catch (IssuerUnavailableException)
        {
            return (null, IssuerDown);
        }

        if (identity is null)
            return (null, NotTrusted);
        if (await database.ReadSoonAsync((session, token) => FindAsync(session, identity, token), cancellationToken) is { } caller)
            return (caller, null);
        if (EmailOf(identity) is not { } email)
            return (null, NoEmail);
        return await database.WriteAsync(session => AdmitAsync(session, identity, email, origin, cancellationToken), cancellationToken);
    }

    private static Task<Caller?> FindAsync(Session session, ExternalIdentity identity, CancellationToken cancellationToken) => session.FirstAsync(
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
        return errors.Problem is null ? Emails.Normalize(identity.Email!) : null;
    }

    private async Task<(Caller? Caller, Refusal? Refusal)> AdmitAsync(
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
            if (await FindAsync(session, identity, cancellationToken) is { } admitted)
                return (admitted, null);
            var (known, refusal) = identity.Issuer.SubjectIsAccount ? await FindAccountAsync(session, caller.UserId, cancellationToken) : (null, EmailTaken);
            if (known is null)
                return (null, refusal);
            caller = known;
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
        return (caller, null);
    }

    /// <summary>The account that has the subject as its id: made by a trigger in Supabase's own database, or under another name of the issuer.</summary>
    private static async Task<(Caller? Caller, Refusal? Refusal)> FindAccountAsync(Session session, Guid id, CancellationToken cancellationToken)
    {
        var account = await session.FirstAsync(
            $"select id, email, name, deleted_at from profiles where id = {id} {session.Engine.ForUpdate}",
            static row => new { Caller = new Caller(row.Uuid(0), row.Text(1), row.TextOrNull(2)), DeletedAt = row.InstantOrNull(3) },
            cancellationToken);
        if (account is null)
            return (null, EmailTaken);
        return account.DeletedAt is null ? (account.Caller, null) : (null, Deleted);
    }
}
