using PyResolve.Server.Audit;
using PyResolve.Server.Http;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

internal sealed class EmailTokenActions(
    Database database, Passwords passwords, Sessions sessions, EmailTokens tokens, ThrottleRules rules, AuditLog audit, TimeProvider time)
{
    public const int MaxTokenLength = 200;

    private static readonly ProblemResult InvalidToken = new(Problems.Invalid("token", ProblemTexts.EmailTokenUnknown));

    public async Task<ProblemResult?> ResetPasswordAsync(string token, string password, Origin origin, CancellationToken cancellationToken)
    {
        // Checked before any hashing: an invented token must cost only a read.
        var owner = await database.ReadAsync(
            session => tokens.FindAsync(session, token, EmailTokenPurposes.Reset, cancellationToken), cancellationToken);
        if (owner is null)
            return InvalidToken;
        using var turn = await passwords.TakeTurnAsync(cancellationToken);
        if (turn is null)
            return AccountProblems.Busy;
        var hash = turn.Hash(password);

        var isDone = await database.WriteAsync(
            async session =>
            {
                if (!await tokens.UseAsync(session, token, EmailTokenPurposes.Reset, cancellationToken))
                    return false;
                var now = time.GetInstant();
                await StoredPasswords.SetAsync(session, owner.UserId, hash, now, cancellationToken);
                await sessions.EndAllAsync(session, owner.UserId, except: null, cancellationToken);
                await tokens.UseAllAsync(session, owner.UserId, EmailTokenPurposes.Reset, cancellationToken);
                await MarkVerifiedAsync(session, owner, now, cancellationToken);
                // Failed guesses at the old password no longer lock the owner out.
                await Throttle.ForgetAsync(session, rules.LogInTo(owner.Email), cancellationToken);
                await audit.WriteAsync(session, owner.UserId, origin, AuditActions.PasswordReset, target: null, cancellationToken);
                return true;
            },
            cancellationToken);
        return isDone ? null : InvalidToken;
    }

    public async Task<ProblemResult?> VerifyEmailAsync(string token, Origin origin, CancellationToken cancellationToken)
    {
        var isDone = await database.WriteAsync(
            async session =>
            {
                var owner = await tokens.FindAsync(session, token, EmailTokenPurposes.Verify, cancellationToken);
                if (owner is null || !await tokens.UseAsync(session, token, EmailTokenPurposes.Verify, cancellationToken))
                    return false;
                await MarkVerifiedAsync(session, owner, time.GetInstant(), cancellationToken);
                await audit.WriteAsync(session, owner.UserId, origin, AuditActions.EmailVerified, target: null, cancellationToken);
                return true;
            },
            cancellationToken);
        return isDone ? null : InvalidToken;
    }

    private static Task<int> MarkVerifiedAsync(
        Session session, EmailTokenOwner owner, DateTimeOffset now, CancellationToken cancellationToken) => session.ExecuteAsync(
        $"""
        update profiles set email_verified_at = coalesce(email_verified_at, {now})
        where id = {owner.UserId} and email = {owner.Email}
        """,
        cancellationToken);
}
