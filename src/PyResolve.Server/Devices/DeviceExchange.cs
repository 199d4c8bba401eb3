using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Audit;
using PyResolve.Server.Http;
using PyResolve.Server.Keys;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Devices;

/// <summary>The answer to a poll. <c>Error</c> is a code of RFC 8628; <c>Detail</c> replaces its default text.</summary>
internal sealed record DeviceExchangeOutcome(DeviceTokenResponse? Redeemed, string? Error = null, string? Detail = null)
{
    /// <summary>The scopes of the key.</summary>
    public IReadOnlyList<string> Scopes { get; init; } = [];
}

/// <summary>
/// Exchanges an approved code for a key. The key is created in the transaction that redeems the code, so of any number of concurrent
/// exchanges one gets a key.
/// </summary>
internal sealed class DeviceExchange(Database database, ApiKeys keys, AuditLog audit, PlanCatalog plans, TimeProvider time)
{
    private const string NameWithoutClient = "Device";

    /// <summary>The seconds that a poll that comes too early adds to the interval (RFC 8628, 3.5).</summary>
    private const int SlowDownSeconds = 5;

    /// <summary>
    /// The interval, in seconds, from which on early polls are answered without a write, so that they cannot cause load on the store.
    /// </summary>
    private const int MaxIntervalSeconds = 60;

    // Timers fire early, and the clocks of two instances differ.
    private static readonly TimeSpan Tolerance = TimeSpan.FromMilliseconds(500);

    public async Task<DeviceExchangeOutcome> PollAsync(string deviceCode, Origin origin, CancellationToken cancellationToken)
    {
        var digest = TokenKind.DigestOf(deviceCode);
        var seen = await database.ReadAsync(session => FindAsync(session, digest, forUpdate: false, cancellationToken), cancellationToken);
        if (seen is null)
            return Failed(ProblemCodes.InvalidGrant);
        if (AnswerWithoutWrite(seen) is { } answer)
            return answer;
        // The key is hashed before the transaction, for which others wait. A login approved in between is redeemed by the next poll.
        ApiKeySecret? secret = null;
        if (seen is { State: DeviceState.Approved, UserId: { } userId })
        {
            if (await keys.CheckRoomAsync(userId, cancellationToken) is { } full)
                return Full(full);
            secret = await keys.GenerateSecretAsync(userId, cancellationToken);
        }

        return await database.WriteAsync(session => ExchangeAsync(session, digest, secret, origin, cancellationToken), cancellationToken);
    }

    private async Task<DeviceExchangeOutcome> ExchangeAsync(
        Session session, byte[] digest, ApiKeySecret? secret, Origin origin, CancellationToken cancellationToken)
    {
        if (await FindAsync(session, digest, forUpdate: true, cancellationToken) is not { } login)
            return Failed(ProblemCodes.InvalidGrant);
        if (AnswerWithoutWrite(login) is { } answer)
            return answer;
        return login.State is DeviceState.Approved && secret is not null
            ? await RedeemAsync(session, digest, login, secret, origin, cancellationToken)
            : await WaitAsync(session, digest, login, cancellationToken);
    }

    private DeviceExchangeOutcome? AnswerWithoutWrite(DeviceLogin login) => login switch
    {
        { State: DeviceState.Redeemed } => Failed(ProblemCodes.InvalidGrant),
        { State: DeviceState.Denied } => Failed(ProblemCodes.AccessDenied),
        _ when login.ExpiresAt <= time.GetInstant() => Failed(ProblemCodes.ExpiredToken),
        { State: DeviceState.Pending, IntervalSeconds: >= MaxIntervalSeconds } when IsTooEarly(login) => Failed(ProblemCodes.SlowDown),
        _ => null,
    };

    private async Task<DeviceExchangeOutcome> WaitAsync(
        Session session, byte[] digest, DeviceLogin login, CancellationToken cancellationToken)
    {
        var tooEarly = IsTooEarly(login);
        var interval = login.IntervalSeconds + (tooEarly ? SlowDownSeconds : 0);
        await session.ExecuteAsync(
            $"update device_codes set interval_seconds = {interval}, last_polled_at = {time.GetInstant()} where device_digest = {digest}",
            cancellationToken);
        return Failed(tooEarly ? ProblemCodes.SlowDown : ProblemCodes.AuthorizationPending);
    }

    private async Task<DeviceExchangeOutcome> RedeemAsync(
        Session session, byte[] digest, DeviceLogin login, ApiKeySecret secret, Origin origin, CancellationToken cancellationToken)
    {
        var user = await session.FirstAsync(
            $"select id, email, name, plan from profiles where id = {login.UserId} and deleted_at is null {session.Engine.ForUpdate}",
            static row => new UserInfo(row.Uuid(0), row.Text(1), row.TextOrNull(2), row.Text(3)),
            cancellationToken);
        if (user is null)
            return Failed(ProblemCodes.AccessDenied);
        if (await keys.CheckRoomAsync(session, user.Id, cancellationToken) is { } full)
            return Full(full);

        await session.ExecuteAsync(
            $"update device_codes set state = {DeviceState.Redeemed} where device_digest = {digest}", cancellationToken);
        var wanted = new NewApiKey(login.ClientId ?? NameWithoutClient, login.Scopes, ExpiresAt: null, RequestsPerMinute: null)
        {
            MadeBy = NewApiKey.ByDeviceLogin,
        };
        var key = await keys.CreateAsync(session, user.Id, wanted, secret, cancellationToken);
        await audit.WriteAsync(session, user.Id, origin, AuditActions.KeyCreated, key.Prefix, cancellationToken);
        return new DeviceExchangeOutcome(new DeviceTokenResponse(key.ApiKey, plans.Shown(user))) { Scopes = key.Scopes };
    }

    private bool IsTooEarly(DeviceLogin login) =>
        login.LastPolledAt is { } last && time.GetInstant() - last + Tolerance < TimeSpan.FromSeconds(login.IntervalSeconds);

    private static Task<DeviceLogin?> FindAsync(Session session, byte[] digest, bool forUpdate, CancellationToken cancellationToken) =>
        session.FirstAsync(
            $"""
            select state, client_id, scopes, user_id, interval_seconds, expires_at, last_polled_at
            from device_codes
            where device_digest = {digest}
            {(forUpdate ? session.Engine.ForUpdate : default)}
            """,
            static row => new DeviceLogin(
                row.Text(0), row.TextOrNull(1), DeviceScopes.Parse(row.TextOrNull(2)), row.UuidOrNull(3), row.Int32(4), row.Instant(5),
                row.InstantOrNull(6)),
            cancellationToken);

    private static DeviceExchangeOutcome Failed(string error) => new(null, error);

    private static DeviceExchangeOutcome Full(ProblemResult full) => new(null, ProblemCodes.AccessDenied, full.Problem.Detail);

    private sealed record DeviceLogin(
        string State, string? ClientId, IReadOnlyList<string> Scopes, Guid? UserId, int IntervalSeconds, DateTimeOffset ExpiresAt,
        DateTimeOffset? LastPolledAt);
}
