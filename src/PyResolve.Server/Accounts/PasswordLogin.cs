using Microsoft.AspNetCore.Identity;
using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Http;
using PyResolve.Server.SecondFactor;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>What a person types to log in. <c>Code</c>: of the second factor, where it is sent together with the password.</summary>
internal sealed record LoginTry(string Email, string Password, SessionClient Client)
{
    public string? Code { get; init; }

    /// <summary>
    /// The page to show afterwards, for a page that asks for the code later; null: a program, which sends it with the password.
    /// </summary>
    public string? NextPage { get; init; }
}

/// <summary>The outcome of a login: a session, a token with which a page asks for the code of the second factor, or a problem.</summary>
internal readonly record struct LoginOutcome(LogInResponse? Opened, string? PendingToken, ProblemResult? Problem)
{
    public static implicit operator LoginOutcome(ProblemResult problem) => new(Opened: null, PendingToken: null, problem);

    public static implicit operator LoginOutcome(LogInResponse opened) => new(opened, PendingToken: null, Problem: null);
}

/// <summary>
/// Logs people in by a password. An unknown email is treated as a wrong password: the same work, the same throttle, the same answer.
/// </summary>
internal sealed class PasswordLogin(
    Database database, Passwords passwords, SessionOpening opening, SecondFactors factors, PendingLogins pending, Throttle throttle,
    FailedLogins failures, TimeProvider time)
{
    public async Task<LoginOutcome> TryAsync(LoginTry login, CancellationToken cancellationToken)
    {
        var origin = login.Client.Origin;
        var meters = await throttle.LogInAsync(login.Email, origin.Address, cancellationToken);
        if (await throttle.WaitAsync(meters, cancellationToken) is { } wait)
            return AccountProblems.TooManyLogins(wait);
        using var turn = await passwords.TakeTurnAsync(ThrottleRules.ShareOf(login.Email, origin.Address), cancellationToken);
        if (turn is null)
            return AccountProblems.Busy;

        // Recorded once it has its turn, as a failure until it succeeds: requests that only wait must not fill the meter.
        var attempt = await throttle.RecordAsync(meters, cancellationToken);
        if (attempt.RetryAfter is { } full)
            return AccountProblems.TooManyLogins(full);

        var account = await database.FindAccountAsync(login.Email, cancellationToken);
        var result = turn.Verify(account?.PasswordHash, login.Password);
        if (account is not { PasswordHash: { } hash, User: var user } || result is PasswordVerificationResult.Failed)
        {
            if (account is not null)
                failures.Add(account.User.Id, origin.Address);
            return AccountProblems.WrongLogin;
        }

        var betterHash = result is PasswordVerificationResult.SuccessRehashNeeded ? turn.Hash(login.Password) : null;

        var outcome = await database.WriteAsync<LoginOutcome>(
            async session =>
            {
                // Locked and compared: if the password was changed in between no session opens, and a later change ends this session.
                if (!await StoredPasswords.LockAsync(session, user.Id, hash, cancellationToken))
                    return AccountProblems.WrongLogin;
                if (betterHash is not null)
                    await StoredPasswords.SetAsync(session, user.Id, betterHash, time.GetInstant(), cancellationToken);
                return await OpenAsync(session, user, login, attempt, cancellationToken);
            },
            cancellationToken);
        if (outcome.Problem == AccountProblems.WrongCode)
            failures.Add(user.Id, origin.Address);
        return outcome;
    }

    private async Task<LoginOutcome> OpenAsync(
        Session session, UserInfo user, LoginTry login, ThrottledAttempt attempt, CancellationToken cancellationToken)
    {
        if (await SecondFactors.IsOnAsync(session, user.Id, cancellationToken))
        {
            if (login.Code is { } code)
            {
                if (!await factors.UseAsync(session, user.Id, code, login.Client.Origin, cancellationToken))
                    return AccountProblems.WrongCode;
            }
            else
            {
                // No code was guessed.
                await Throttle.WithdrawAsync(session, attempt, cancellationToken);
                return login.NextPage is { } next
                    ? new LoginOutcome(
                        Opened: null, await pending.CreateAsync(session, user.Id, next, cancellationToken), Problem: null)
                    : AccountProblems.CodeRequired;
            }
        }

        await Throttle.WithdrawAsync(session, attempt, cancellationToken);
        return await opening.OpenAsync(session, user, login.Client, cancellationToken);
    }
}
