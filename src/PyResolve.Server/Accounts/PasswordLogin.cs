using Microsoft.AspNetCore.Identity;
using PyResolve.Client.Wire;
using PyResolve.Server.Audit;
using PyResolve.Server.Http;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>A login's outcome: a session, or why there is none.</summary>
internal sealed record LoginOutcome(LogInResponse? Opened, ProblemResult? Problem = null)
{
    public static LoginOutcome Refused(ProblemResult problem) => new(null, problem);
}

/// <summary>
/// Opens a session for an e-mail and a password: what <c>POST /auth/login</c> and the page's form have in common. An e-mail that nobody
/// has is treated as one with another password: the same work, the same count, the same answer.
/// </summary>
internal sealed class PasswordLogin(
    Database database, Passwords passwords, Sessions sessions, Throttle throttle, ThrottleRules rules, AuditLog audit, TimeProvider time)
{
    /// <param name="email">As typed: any case, at most <see cref="EmailAddresses.Longest"/> characters.</param>
    /// <param name="password">At most <see cref="Passwords.Longest"/> characters.</param>
    /// <param name="origin">Where from.</param>
    /// <param name="cancellationToken">Abandons the login.</param>
    public async Task<LoginOutcome> TryAsync(string email, string password, Origin origin, CancellationToken cancellationToken)
    {
        var meters = rules.LogIn(email, origin.Address);
        if (await throttle.WaitAsync(meters, cancellationToken) is { } wait)
            return LoginOutcome.Refused(TooMany(wait));
        using var turn = await passwords.TakeTurnAsync(cancellationToken);
        if (turn is null)
            return LoginOutcome.Refused(AccountProblems.Busy);

        // In turn: what is being checked counts as a failure until it is none, and a crowd that only waits must not fill the meter.
        var attempt = await throttle.RecordAsync(meters, cancellationToken);
        if (attempt.RetryAfter is { } full)
            return LoginOutcome.Refused(TooMany(full));

        var account = await FindAsync(email, cancellationToken);
        var verdict = turn.Verify(account?.PasswordHash, password);
        if (account is null || verdict is PasswordVerificationResult.Failed)
            return LoginOutcome.Refused(AccountProblems.WrongLogin);
        var betterHash = verdict is PasswordVerificationResult.SuccessRehashNeeded ? turn.Hash(password) : null;
        return await OpenAsync(account, betterHash, attempt, origin, cancellationToken);
    }

    private static ProblemResult TooMany(TimeSpan wait) => AccountProblems.TooMany("failed logins", wait);

    private Task<Account?> FindAsync(string email, CancellationToken cancellationToken) => database.FirstAsync(
        $"""
        select p.id, p.email, p.name, p.plan, w.password_hash
        from profiles p
        join passwords w on w.user_id = p.id
        where lower(p.email) = {EmailAddresses.Normalize(email)} and p.email <> ''
        """,
        static row => new Account(new UserInfo(row.Uuid(0), row.Text(1), row.TextOrNull(2), row.Text(3)), row.Text(4)),
        cancellationToken);

    private Task<LoginOutcome> OpenAsync(Account account, string? betterHash, ThrottledAttempt attempt, Origin origin, CancellationToken cancellationToken) =>
        database.WriteAsync(
            async session =>
            {
                // Locked and compared: a password that was changed meanwhile opens nothing, and a change that comes next ends this session.
                if (!await StoredPasswords.LockAsync(session, account.User.Id, account.PasswordHash, cancellationToken))
                    return LoginOutcome.Refused(AccountProblems.WrongLogin);
                if (betterHash is not null)
                    await StoredPasswords.SetAsync(session, account.User.Id, betterHash, time.GetInstant(), cancellationToken);
                await Throttle.WithdrawAsync(session, attempt, cancellationToken);
                await audit.WriteAsync(session, account.User.Id, origin, AuditActions.LoggedIn, target: null, cancellationToken);
                var (token, expiresAt) = await sessions.OpenAsync(session, account.User.Id, cancellationToken);
                return new LoginOutcome(new LogInResponse(account.User, token, expiresAt));
            },
            cancellationToken);

    private sealed record Account(UserInfo User, string PasswordHash);
}
