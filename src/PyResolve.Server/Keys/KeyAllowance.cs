using PyResolve.Client.Wire;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Keys;

/// <summary>How many keys an account may have, and how many it may create in an hour.</summary>
internal sealed class KeyAllowance(ServerOptions options, TimeProvider time)
{
    private static readonly TimeSpan Window = TimeSpan.FromHours(1);

    /// <summary>Checks both limits. The result is exact only while the account is locked.</summary>
    /// <returns>null where the account may create another key.</returns>
    public async Task<ProblemResult?> CheckAsync(Session session, Guid userId, CancellationToken cancellationToken) =>
        await CheckLiveKeysAsync(session, userId, cancellationToken) ?? await CheckRateAsync(session, userId, cancellationToken);

    public async Task<ProblemResult?> CheckLiveKeysAsync(Session session, Guid userId, CancellationToken cancellationToken)
    {
        var live = await session.NumberAsync(
            $"""
            select count(*) from api_keys
            where user_id = {userId} and revoked_at is null and (expires_at is null or expires_at > {time.GetInstant()})
            """,
            cancellationToken);
        if (live < options.LiveKeysPerAccount)
            return null;
        return new ProblemResult(Problems.Conflict(
            $"This account has {options.LiveKeysPerAccount} live API keys, the most that it may have. Revoke those that are not used: "
            + "GET /auth/api-keys lists them."));
    }

    /// <summary>Checks the limit of an hour. Revoked keys count too: they stay in the database.</summary>
    public async Task<ProblemResult?> CheckRateAsync(Session session, Guid userId, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        var wait = await session.FirstAsync(
            $"""
            select created_at from api_keys
            where user_id = {userId} and created_at > {now - Window} and created_at <= {now}
            order by created_at desc
            limit 1 offset {options.KeysPerHour - 1}
            """,
            row => new Wait(row.Instant(0) + Window - now),
            cancellationToken);
        return wait is null
            ? null
            : new ProblemResult(
                Problems.Create(
                    429,
                    ProblemCodes.RateLimited,
                    $"This account created {options.KeysPerHour} API keys within an hour, the most that it may. Wait before the next one."),
                wait.Duration);
    }

    private sealed record Wait(TimeSpan Duration);
}
