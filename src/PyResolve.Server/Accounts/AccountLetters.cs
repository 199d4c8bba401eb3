using PyResolve.Server.Audit;
using PyResolve.Server.Email;
using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>
/// The letters of an account. Looking up who gets one, drawing its secret and sending it all happen off the request path: no request
/// tells by its answer or its time whether there was anybody to write to.
/// </summary>
internal sealed class AccountLetters(
    Database database, EmailQueue queue, EmailTokens tokens, Throttle throttle, ThrottleRules rules, AuditLog audit, PublicUrl publicUrl)
{
    public void AskForVerification(Guid userId) => queue.Enqueue(cancellationToken => VerificationAsync(userId, cancellationToken));

    public void AskForReset(string email, Origin origin) => queue.Enqueue(cancellationToken => ResetAsync(email, origin, cancellationToken));

    private async Task<Letter?> VerificationAsync(Guid userId, CancellationToken cancellationToken)
    {
        var owner = await database.FirstAsync(
            $"select id, email from profiles where id = {userId} and email <> '' and email_verified_at is null",
            static row => new EmailTokenOwner(row.Uuid(0), row.Text(1)),
            cancellationToken);
        if (owner is null)
            return null;

        var token = await database.WriteAsync(
            session => tokens.CreateAsync(session, owner, EmailPurposes.Verify, EmailTokens.VerificationLifetime, cancellationToken), cancellationToken);
        return new Letter(
            owner.Email,
            "Confirm your e-mail address",
            $"""
            Welcome to PyResolve. To confirm that this is your e-mail address, open this link within 7 days:

            {publicUrl.Value}/verify-email?token={token}

            If you did not sign up, somebody mistyped their address: you need not do anything.
            """);
    }

    private async Task<Letter?> ResetAsync(string email, Origin origin, CancellationToken cancellationToken)
    {
        var owner = await database.FirstAsync(
            $"""
            select p.id, p.email
            from profiles p
            join passwords w on w.user_id = p.id
            where lower(p.email) = {Emails.Normalize(email)} and p.email <> ''
            """,
            static row => new EmailTokenOwner(row.Uuid(0), row.Text(1)),
            cancellationToken);
        if (owner is null || (await throttle.RecordAsync(rules.ResetOf(owner.UserId), cancellationToken)).RetryAfter is not null)
            return null;

        var token = await database.WriteAsync(
            async session =>
            {
                await audit.WriteAsync(session, owner.UserId, origin, AuditActions.PasswordResetAsked, target: null, cancellationToken);
                return await tokens.CreateAsync(session, owner, EmailPurposes.Reset, EmailTokens.ResetLifetime, cancellationToken);
            },
            cancellationToken);
        return new Letter(
            owner.Email,
            "Choose a new password",
            $"""
            Somebody, hopefully you, asked to choose a new password for your PyResolve account. To do so, open this link within an hour:

            {publicUrl.Value}/reset-password?token={token}

            It works once. If it was not you, you need not do anything: your password stays as it is.
            """);
    }
}
