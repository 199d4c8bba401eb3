using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Audit;
using PyResolve.Server.Http;
using PyResolve.Server.Keys;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <param name="Problem">null: it is done.</param>
/// <param name="KeysAreRevoked">Every API key that was made before.</param>
/// <param name="ResetToken">Sets a password, where the one from before was removed.</param>
internal sealed record EmailTokenOutcome(ProblemResult? Problem, bool KeysAreRevoked = false, string? ResetToken = null);

internal sealed class EmailTokenActions(
    Database database, Passwords passwords, CommonPasswords common, PasswordProof proof, Credentials credentials, EmailTokens tokens,
    VerifiedKeyCache verified, AuditLog audit, TimeProvider time)
{
    public const int MaxTokenLength = 200;

    public static readonly ProblemResult UnknownToken = new(Problems.Invalid("token", ProblemTexts.EmailTokenUnknown));

    private static readonly EmailTokenOutcome InvalidToken = new(UnknownToken);

    private static readonly EmailTokenOutcome Busy = new(AccountProblems.Busy);

    /// <summary>
    /// Sets a new password. The first proof of the address revokes all keys, since somebody else may have made them; later ones if asked
    /// to.
    /// </summary>
    public async Task<EmailTokenOutcome> ResetPasswordAsync(
        string token, string password, bool revokeKeys, Origin origin, CancellationToken cancellationToken)
    {
        // Checked before any hashing: an invented token must cost only a read.
        var owner = await database.ReadAsync(
            session => tokens.FindAsync(session, token, EmailTokenPurposes.Reset, cancellationToken), cancellationToken);
        if (owner is null)
            return InvalidToken;
        if (common.FindReason(password, owner.Email) is { } reason)
            return new EmailTokenOutcome(new ProblemResult(Problems.Invalid("password", reason)));
        using var turn = await passwords.TakeTurnAsync(ThrottleRules.ShareOf(owner.Email, origin.Address), cancellationToken);
        if (turn is null)
            return Busy;
        var hash = turn.Hash(password);

        var outcome = await database.WriteAsync(
            async session =>
            {
                var isProved = await Credentials.LockAsync(session, owner.UserId, cancellationToken);
                if (!await tokens.UseAsync(session, token, EmailTokenPurposes.Reset, cancellationToken))
                    return InvalidToken;
                await StoredPasswords.SetAsync(session, owner.UserId, hash, time.GetInstant(), cancellationToken);
                var revokes = revokeKeys || !isProved;
                if (revokes)
                    await credentials.RevokeAllAsync(session, owner.UserId, origin, cancellationToken);
                else
                    await credentials.EndSessionsAsync(session, owner.UserId, except: null, cancellationToken);
                await tokens.UseAllAsync(session, owner.UserId, EmailTokenPurposes.Reset, cancellationToken);
                await credentials.MarkProvedAsync(session, owner.UserId, cancellationToken);
                if (!owner.IsByOperator)
                    await credentials.MarkVerifiedAsync(session, owner, cancellationToken);
                // Failed guesses at the old password no longer lock the owner out.
                await Throttle.ForgetLogInsAsync(session, owner.Email, cancellationToken);
                await audit.WriteAsync(session, owner.UserId, origin, AuditActions.PasswordReset, target: null, cancellationToken);
                return new EmailTokenOutcome(Problem: null, revokes);
            },
            cancellationToken);
        verified.Remove(owner.UserId);
        return outcome;
    }

    /// <summary>
    /// Verifies the address: the token shows that the mailbox is read. Only together with a session or the password does it show that its
    /// owner signed up; else everything that was made before is revoked, the password too, which somebody else may know.
    /// </summary>
    public async Task<EmailTokenOutcome> VerifyEmailAsync(
        string token, string? password, Guid? sessionOf, Origin origin, CancellationToken cancellationToken)
    {
        var owner = await database.ReadAsync(
            session => tokens.FindAsync(session, token, EmailTokenPurposes.Verify, cancellationToken), cancellationToken);
        if (owner is null)
            return InvalidToken;
        var isOwner = sessionOf == owner.UserId;
        if (!isOwner && !string.IsNullOrEmpty(password))
        {
            if (await CheckPasswordAsync(owner, password, origin, cancellationToken) is { } problem)
                return new EmailTokenOutcome(problem);
            isOwner = true;
        }

        var outcome = await database.WriteAsync(
            async session =>
            {
                var isProved = await Credentials.LockAsync(session, owner.UserId, cancellationToken);
                if (!await tokens.UseAsync(session, token, EmailTokenPurposes.Verify, cancellationToken))
                    return InvalidToken;
                var revokes = !isProved && !isOwner;
                var resetToken = revokes ? await RevokeEverythingAsync(session, owner, origin, cancellationToken) : null;
                await credentials.MarkProvedAsync(session, owner.UserId, cancellationToken);
                await credentials.MarkVerifiedAsync(session, owner, cancellationToken);
                await audit.WriteAsync(session, owner.UserId, origin, AuditActions.EmailVerified, target: null, cancellationToken);
                return new EmailTokenOutcome(Problem: null, revokes, resetToken);
            },
            cancellationToken);
        verified.Remove(owner.UserId);
        return outcome;
    }

    /// <returns>A token that sets a password, where there was one.</returns>
    private async Task<string?> RevokeEverythingAsync(
        Session session, EmailTokenOwner owner, Origin origin, CancellationToken cancellationToken)
    {
        var hadPassword = await StoredPasswords.RemoveAsync(session, owner.UserId, cancellationToken);
        await credentials.RevokeAllAsync(session, owner.UserId, origin, cancellationToken);
        if (!hadPassword)
            return null;
        await audit.WriteAsync(session, owner.UserId, origin, AuditActions.PasswordRemoved, target: null, cancellationToken);
        return await tokens.CreateAsync(session, owner, EmailTokenPurposes.Reset, EmailTokens.ResetLifetime, cancellationToken);
    }

    private async Task<ProblemResult?> CheckPasswordAsync(
        EmailTokenOwner owner, string password, Origin origin, CancellationToken cancellationToken)
    {
        var problem = await proof.TryAsync(
            owner.UserId, password, origin, static _ => 0, static (_, _) => Task.CompletedTask, cancellationToken);
        // The token is what lets the request in. The password is a field, and an account without one has no right one.
        return problem == AccountProblems.WrongPassword || problem == AccountProblems.NoPassword
            ? new ProblemResult(Problems.Invalid("password", ProblemTexts.WrongPassword))
            : problem;
    }
}
