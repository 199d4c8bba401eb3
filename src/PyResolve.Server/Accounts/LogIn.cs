using Microsoft.AspNetCore.Identity;
using PyResolve.Client.Wire;
using PyResolve.Server.Audit;
using PyResolve.Server.Http;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>A login's outcome: a session, or why there is none.</summary>
internal sealed record LogInOutcome(LogInResponse? Opened, Problem? Refusal = null, TimeSpan? RetryAfter = null);

/// <summary>Opens a session for an e-mail and a password: what <c>POST /auth/login</c> and the page's form have in common.</summary>
internal sealed class LogIn(Database database, Passwords passwords, Sessions sessions, AuditLog audit, TimeProvider time)
{
    /// <param name="email">As typed: any case, at most <see cref="Emails.Longest"/> characters.</param>
    /// <param name="password">At most <see cref="Passwords.Longest"/> characters.</param>
    /// <param name="origin">Where from.</param>
    /// <param name="cancellationToken">Abandons the login.</param>
    public async Task<LogInOutcome> TryAsync(string email, string password, Origin origin, CancellationToken cancellationToken)
    {
        var account = await database.FirstAsync(
            $"""
            select p.id, p.email, p.name, p.plan, w.password_hash
            from profiles p
            join passwords w on w.user_id = p.id
            where lower(p.email) = {Emails.Normalize(email)} and p.email <> ''
            """,
            static row => new { User = new UserInfo(row.Uuid(0), row.Text(1), row.TextOrNull(2), row.Text(3)), PasswordHash = row.Text(4) },
            cancellationToken);
        var verdict = passwords.Verify(account?.PasswordHash, password);
        if (account is null || verdict is PasswordVerificationResult.Failed)
            return new LogInOutcome(null, Problems.Unauthenticated("Wrong e-mail or password."));

        var opened = await database.WriteAsync(
            async session =>
            {
                if (verdict is PasswordVerificationResult.SuccessRehashNeeded)
                {
                    await session.ExecuteAsync(
                        $"update passwords set password_hash = {passwords.Hash(password)}, changed_at = {time.GetInstant()} where user_id = {account.User.Id}",
                        cancellationToken);
                }

                await audit.WriteAsync(session, account.User.Id, origin, AuditActions.LoggedIn, target: null, cancellationToken);
                return await sessions.OpenAsync(session, account.User.Id, cancellationToken);
            },
            cancellationToken);
        return new LogInOutcome(new LogInResponse(account.User, opened.Token, opened.ExpiresAt));
    }
}
