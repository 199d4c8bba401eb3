using PyResolve.Client.Wire;
using PyResolve.Server.Http;
using PyResolve.Server.SecondFactor;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>A login that has passed both steps. <c>Next</c>: the page that the person asked for.</summary>
internal sealed record SecondFactorPassed(LogInResponse Opened, string Next);

/// <summary>The second step of a login on a page. A wrong code counts as a failed login of the account and of the address.</summary>
internal sealed class SecondFactorLogin(
    Database database, PendingLogins pending, SecondFactors factors, SessionOpening opening, Throttle throttle, FailedLogins failures)
{
    public async Task<Outcome<SecondFactorPassed>> TryAsync(
        string token, string code, SessionClient client, CancellationToken cancellationToken)
    {
        var origin = client.Origin;
        if (await database.ReadAsync(session => pending.FindAsync(session, token, cancellationToken), cancellationToken) is not { } login)
            return AccountProblems.PendingLoginExpired;
        var meters = await throttle.LogInAsync(login.Email, origin.Address, cancellationToken);
        var attempt = await throttle.RecordAsync(meters, cancellationToken);
        if (attempt.RetryAfter is { } wait)
            return AccountProblems.TooManyLogins(wait);

        var outcome = await database.WriteAsync<Outcome<SecondFactorPassed>>(
            async session =>
            {
                // Locked first, as by a change of the password, which ends the logins that wait and the sessions that are open.
                await StoredPasswords.LockAsync(session, login.UserId, expectedHash: "", cancellationToken);
                if (await pending.FindAsync(session, token, cancellationToken) is null)
                    return AccountProblems.PendingLoginExpired;
                if (!await factors.UseAsync(session, login.UserId, code, origin, cancellationToken))
                    return AccountProblems.WrongCode;
                if (!await pending.TakeAsync(session, token, cancellationToken)
                    || await FindUserAsync(session, login.UserId, cancellationToken) is not { } user)
                    return AccountProblems.PendingLoginExpired;
                await Throttle.WithdrawAsync(session, attempt, cancellationToken);
                return new SecondFactorPassed(await opening.OpenAsync(session, user, client, cancellationToken), login.Next);
            },
            cancellationToken);
        if (outcome.Problem == AccountProblems.WrongCode)
            failures.Add(login.UserId, origin.Address);
        return outcome;
    }

    private static Task<UserInfo?> FindUserAsync(Session session, Guid userId, CancellationToken cancellationToken) => session.FirstAsync(
        $"select id, email, name, plan from profiles where id = {userId} and deleted_at is null",
        static row => new UserInfo(row.Uuid(0), row.Text(1), row.TextOrNull(2), row.Text(3)),
        cancellationToken);
}
