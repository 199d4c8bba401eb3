using PyResolve.Server.Access;
using PyResolve.Server.Audit;
using PyResolve.Server.Http;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>What the secret in an email lets its reader do, by API or on a page: choose a new password, or show that an address is theirs.</summary>
internal sealed class EmailTokenActions(
    Database database, Passwords passwords, Sessions sessions, EmailTokens tokens, ThrottleRules rules, AuditLog audit, TimeProvider time)
{
    public const int LongestToken = 200;

    private static readonly ProblemResult Worthless = new(Problems.Invalid("token", "is unknown, used or expired. Ask for a new email."));

    /// <returns><see langword="null"/> when it was done.</returns>
    public async Task<ProblemResult?> ResetPasswordAsync(string token, string password, Origin origin, CancellationToken cancellationToken)
    {
        // Before any hashing: a made-up token must cost no more than a look.
        var owner = await database.ReadAsync(session => tokens.FindAsync(session, token, EmailTokenPurposes.Reset, cancellationToken), cancellationToken);
        if (owner is null)
            return Worthless;
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
                // Whoever guessed at the old password has not locked its owner out.
                await Throttle.ForgetAsync(session, rules.LogInTo(owner.Email), cancellationToken);
                await audit.WriteAsync(session, owner.UserId, origin, AuditActions.PasswordReset, target: null, cancellationToken);
                return true;
            },
            cancellationToken);
        return isDone ? null : Worthless;
    }

    /// <returns><see langword="null"/> when it was done.</returns>
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
        return isDone ? null : Worthless;
    }

    private static Task<int> MarkVerifiedAsync(Session session, EmailTokenOwner owner, DateTimeOffset now, CancellationToken cancellationToken) => session.ExecuteAsync(
        $"update profiles set email_verified_at = coalesce(email_verified_at, {now}) where id = {owner.UserId} and email = {owner.Email}",
        cancellationToken);
}
