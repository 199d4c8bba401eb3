using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Accounts;
using PyResolve.Server.Audit;
using PyResolve.Server.Hosting;
using PyResolve.Server.Keys;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Devices;

internal static class DeviceState
{
    public const string Pending = "pending";
    public const string Approved = "approved";
    public const string Denied = "denied";
    public const string Redeemed = "redeemed";
}

/// <summary>
/// A login that a device began. <c>UserCode</c> is as shown, <c>XXXX-XXXX</c>; <c>State</c> is one of <see cref="DeviceState"/>.
/// </summary>
internal sealed record DeviceRequest(
    string UserCode, string? ClientId, IReadOnlyList<string> Scopes, string? Address, DateTimeOffset AskedAt, string State,
    Guid? DecidedBy, bool HasExpired);

internal sealed class DeviceCodes(
    Database database, UserCodeDigests digests, Sessions sessions, AuditLog audit, PublicUrl publicUrl, TimeProvider time)
{
    public const int IntervalSeconds = 5;
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    /// <summary>How long an expired code is kept, so that polls of it are answered with <c>expired_token</c>.</summary>
    private static readonly TimeSpan Retention = TimeSpan.FromHours(1);

    private const int DeletionBatch = 100;

    public async Task<DeviceCodeResponse> BeginAsync(
        string? clientId, IReadOnlyList<string> scopes, string? address, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        await DeleteOldAsync(now, cancellationToken);
        while (true)
        {
            var deviceCode = TokenKind.Device.Create();
            var userCode = UserCode.Create();
            var digest = await digests.OfAsync(userCode, cancellationToken);
            var inserted = await database.ExecuteAsync(
                $"""
                insert into device_codes
                    (device_digest, user_code_digest, client_id, scopes, state, interval_seconds, created_at, expires_at, address)
                values ({TokenKind.DigestOf(deviceCode)}, {digest}, {clientId}, {ScopeSets.Format(scopes)},
                        {DeviceState.Pending}, {IntervalSeconds}, {now}, {now + Lifetime}, {address})
                on conflict do nothing
                """,
                cancellationToken);
            if (inserted == 0)
                continue;
            var shown = UserCode.Show(userCode);
            var page = $"{publicUrl.Value}/device";
            return new DeviceCodeResponse(
                deviceCode, shown, page, $"{page}?user_code={shown}", (int)Lifetime.TotalSeconds, IntervalSeconds);
        }
    }

    /// <summary>Finds a login. <paramref name="userCode"/> is as <see cref="UserCode.Parse"/> returns it.</summary>
    public async Task<DeviceRequest?> FindAsync(string userCode, CancellationToken cancellationToken)
    {
        var digest = await digests.OfAsync(userCode, cancellationToken);
        var now = time.GetInstant();
        return await database.FirstAsync(
            $"""
            select client_id, scopes, address, created_at, state, user_id, expires_at
            from device_codes
            where user_code_digest = {digest}
            """,
            row => new DeviceRequest(
                UserCode.Show(userCode), row.TextOrNull(0), DeviceScopes.Parse(row.TextOrNull(1)), row.TextOrNull(2), row.Instant(3),
                row.Text(4), row.UuidOrNull(5), HasExpired: row.Instant(6) <= now),
            cancellationToken);
    }

    /// <summary>Approves or denies a login. Has no effect on one that is not pending.</summary>
    /// <returns>Whether the caller's session may decide: it may have ended since the caller was found.</returns>
    public async Task<bool> DecideAsync(
        DeviceRequest request, bool approve, Caller caller, Origin origin, CancellationToken cancellationToken)
    {
        var digest = await digests.OfAsync(UserCode.Parse(request.UserCode)!, cancellationToken);
        var now = time.GetInstant();
        return await database.WriteAsync(
            async session =>
            {
                if (caller.SessionId is { } id && !await sessions.LockOpenAsync(session, id, cancellationToken))
                    return false;
                var decided = await session.ExecuteAsync(
                    $"""
                    update device_codes
                    set state = {(approve ? DeviceState.Approved : DeviceState.Denied)}, user_id = {caller.UserId}
                    where user_code_digest = {digest} and state = {DeviceState.Pending} and expires_at > {now}
                    """,
                    cancellationToken);
                if (decided == 0)
                    return true;
                var action = approve ? AuditActions.DeviceApproved : AuditActions.DeviceDenied;
                await audit.WriteAsync(session, caller.UserId, origin, action, request.ClientId, cancellationToken);
                return true;
            },
            cancellationToken);
    }

    private async Task DeleteOldAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (await SettledTime.FindAsync(database, "device_codes", "expires_at", "expires_at", now, cancellationToken) is not { } settled)
            return;
        await database.ExecuteAsync(
            $"""
            delete from device_codes where device_digest in (
                select device_digest from device_codes where expires_at < {settled - Retention} order by expires_at limit {DeletionBatch})
            """,
            cancellationToken);
    }
}
