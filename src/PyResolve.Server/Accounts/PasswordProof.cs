using Microsoft.AspNetCore.Identity;
using PyResolve.Server.Audit;
using PyResolve.Server.Http;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>Asks for the password again before actions that a stolen session must not be enough for. Throttled like a login.</summary>
internal sealed class PasswordProof(Database database, Passwords passwords, Throttle throttle)
{
    /// <param name="prepare">Slow work, such as hashing a new password, done once before the transaction.</param>
    /// <param name="work">Runs in a transaction in which the password is verified and locked.</param>
    public async Task<ProblemResult?> TryAsync<T>(
        Guid userId,
        string? password,
        Origin origin,
        Func<Passwords.PasswordTurn, T> prepare,
        Func<Session, T, Task> work,
        CancellationToken cancellationToken)
    {
        var found = await database.FirstAsync(
            $"select w.password_hash, p.email from passwords w join profiles p on p.id = w.user_id where w.user_id = {userId}",
            static row => new { Hash = row.Text(0), Email = row.Text(1) },
            cancellationToken);
        if (found is not { Hash: var hash, Email: var email })
            return AccountProblems.NoPassword;

        var meters = throttle.Rules.Password(userId);
        if (await throttle.WaitAsync(meters, cancellationToken) is { } wait)
            return TooMany(wait);
        using var turn = await passwords.TakeTurnAsync(ThrottleRules.ShareOf(email, origin.Address), cancellationToken);
        if (turn is null)
            return AccountProblems.Busy;
        var attempt = await throttle.RecordAsync(meters, cancellationToken);
        if (attempt.RetryAfter is { } full)
            return TooMany(full);
        if (turn.Verify(hash, password ?? "") is PasswordVerificationResult.Failed)
            return AccountProblems.WrongPassword;

        var prepared = prepare(turn);
        return await database.WriteAsync(
            async session =>
            {
                if (!await StoredPasswords.LockAsync(session, userId, hash, cancellationToken))
                    return AccountProblems.WrongPassword;
                await Throttle.WithdrawAsync(session, attempt, cancellationToken);
                await work(session, prepared);
                return null;
            },
            cancellationToken);
    }

    private static ProblemResult TooMany(TimeSpan wait) => AccountProblems.TooMany("wrong passwords", wait);
}
