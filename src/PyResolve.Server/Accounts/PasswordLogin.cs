using Microsoft.AspNetCore.Identity;
using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Audit;
using PyResolve.Server.Http;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>An unknown email is treated as a wrong password: the same work, the same throttle, the same answer.</summary>
internal sealed class PasswordLogin(
    Database database, Passwords passwords, Sessions sessions, Throttle throttle, FailedLogins failures, AuditLog audit, TimeProvider time)
{
    public async Task<Outcome<LogInResponse>> TryAsync(
        string email, string password, SessionClient client, CancellationToken cancellationToken)
    {
        var origin = client.Origin;
        var meters = await throttle.LogInAsync(email, origin.Address, cancellationToken);
        if (await throttle.WaitAsync(meters, cancellationToken) is { } wait)
            return TooMany(wait);
        using var turn = await passwords.TakeTurnAsync(ThrottleRules.ShareOf(email, origin.Address), cancellationToken);
        if (turn is null)
            return AccountProblems.Busy;

        // Recorded once it has its turn, as a failure until it succeeds: requests that only wait must not fill the meter.
        var attempt = await throttle.RecordAsync(meters, cancellationToken);
        if (attempt.RetryAfter is { } full)
            return TooMany(full);

        var account = await database.FindAccountAsync(email, cancellationToken);
        var result = turn.Verify(account?.PasswordHash, password);
        if (account is not { PasswordHash: { } hash, User: var user } || result is PasswordVerificationResult.Failed)
        {
            if (account is not null)
                failures.Add(account.User.Id, origin.Address);
            return AccountProblems.WrongLogin;
        }

        var betterHash = result is PasswordVerificationResult.SuccessRehashNeeded ? turn.Hash(password) : null;

        return await database.WriteAsync<Outcome<LogInResponse>>(
            async session =>
            {
                // Locked and compared: if the password was changed in between no session opens, and a later change ends this session.
                if (!await StoredPasswords.LockAsync(session, user.Id, hash, cancellationToken))
                    return AccountProblems.WrongLogin;
                if (betterHash is not null)
                    await StoredPasswords.SetAsync(session, user.Id, betterHash, time.GetInstant(), cancellationToken);
                await Throttle.WithdrawAsync(session, attempt, cancellationToken);
                await audit.WriteAsync(session, user.Id, origin, AuditActions.LoggedIn, target: null, cancellationToken);
                await throttle.KnowNetworkAsync(session, email, origin.Address, cancellationToken);
                var (token, expiresAt) = await sessions.OpenAsync(session, user.Id, client, cancellationToken);
                return new LogInResponse(user, token, expiresAt);
            },
            cancellationToken);
    }

    private static ProblemResult TooMany(TimeSpan wait) => AccountProblems.TooMany("failed logins", wait);
}
