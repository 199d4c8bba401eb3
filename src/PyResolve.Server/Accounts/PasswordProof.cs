using Microsoft.AspNetCore.Identity;
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
        Func<Passwords.PasswordTurn, T> prepare,
        Func<Session, T, Task> work,
        CancellationToken cancellationToken)
    {
        var hash = await database.FirstAsync(
            $"select password_hash from passwords where user_id = {userId}", static row => row.Text(0), cancellationToken);
        if (hash is null)
            return AccountProblems.NoPassword;

        var meters = throttle.Rules.Password(userId);
        if (await throttle.WaitAsync(meters, cancellationToken) is { } wait)
            return TooMany(wait);
        using var turn = await passwords.TakeTurnAsync(cancellationToken);
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
