using PyResolve.Server.Audit;
using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;

namespace PyResolve.Server.SecondFactor;

/// <summary>
/// The state of an account's second factor. <c>Secret</c>: of a set-up that waits for its first code; null where the second factor is on.
/// </summary>
internal sealed record SecondFactorState(DateTimeOffset? OnSince, byte[]? Secret, int RecoveryCodesLeft);

/// <summary>
/// A code from an app, or a recovery code, that a login needs beside its password. Callers count the attempt before one is checked.
/// Thread-safe.
/// </summary>
internal sealed partial class SecondFactors(
    Database database, EncryptionKeys encryption, AuditLog audit, TimeProvider time, ILogger<SecondFactors> logger)
{
    /// <summary>The longest text that is accepted as a code.</summary>
    public const int MaxCodeLength = 64;

    /// <returns>null: there is none, nor a set-up of one.</returns>
    public Task<SecondFactorState?> ReadAsync(Guid userId, CancellationToken cancellationToken) => database.ReadAsync(
        async session =>
        {
            if (await FindAsync(session, userId, cancellationToken) is not { } found)
                return null;
            var left = await session.NumberAsync(
                $"select count(*) from recovery_codes where user_id = {userId} and used_at is null", cancellationToken);
            var pending = found.ConfirmedAt is null ? encryption.Decrypt(found.Stored, ContextOf(userId)) : null;
            return new SecondFactorState(found.ConfirmedAt, pending, (int)(left ?? 0));
        },
        cancellationToken);

    public static async Task<bool> IsOnAsync(Session session, Guid userId, CancellationToken cancellationToken) =>
        await session.NumberAsync(
            $"select count(*) from second_factors where user_id = {userId} and confirmed_at is not null", cancellationToken) > 0;

    /// <summary>Makes a new secret, which takes the place of one that was not confirmed.</summary>
    /// <returns>null: a second factor is on.</returns>
    public async Task<byte[]?> BeginAsync(Session session, Guid userId, CancellationToken cancellationToken)
    {
        var secret = TotpCode.CreateSecret();
        var stored = encryption.Encrypt(secret, ContextOf(userId));
        var begun = await session.ExecuteAsync(
            $"""
            insert into second_factors (user_id, secret, created_at) values ({userId}, {stored}, {time.GetInstant()})
            on conflict (user_id) do update set secret = excluded.secret, created_at = excluded.created_at
            where second_factors.confirmed_at is null
            """,
            cancellationToken);
        return begun == 1 ? secret : null;
    }

    /// <returns>The recovery codes, which are shown only now; null: the code is wrong, or there is nothing to confirm.</returns>
    public async Task<IReadOnlyList<string>?> ConfirmAsync(Session session, Guid userId, string code, CancellationToken cancellationToken)
    {
        if (await FindAsync(session, userId, cancellationToken) is not { ConfirmedAt: null } found
            || FindStep(found, userId, code) is not { } step)
            return null;
        var confirmed = await session.ExecuteAsync(
            $"""
            update second_factors set confirmed_at = {time.GetInstant()}, last_step = {step}
            where user_id = {userId} and confirmed_at is null and secret = {found.Stored}
            """,
            cancellationToken);
        if (confirmed == 0)
            return null;
        var codes = RecoveryCode.CreateAll();
        await session.ExecuteAsync($"delete from recovery_codes where user_id = {userId}", cancellationToken);
        foreach (var digest in codes.Select(RecoveryCode.DigestOf))
        {
            await session.ExecuteAsync(
                $"insert into recovery_codes (user_id, code_digest) values ({userId}, {digest})", cancellationToken);
        }

        return codes;
    }

    /// <summary>Uses a code. Of any number of concurrent uses of one code, on any number of instances, one is accepted.</summary>
    public async Task<bool> UseAsync(Session session, Guid userId, string code, Origin origin, CancellationToken cancellationToken)
    {
        if (await FindAsync(session, userId, cancellationToken) is not { ConfirmedAt: not null } found)
            return false;
        if (FindStep(found, userId, code) is { } step)
        {
            return await session.ExecuteAsync(
                $"""
                update second_factors set last_step = {step}
                where user_id = {userId} and secret = {found.Stored} and confirmed_at is not null and last_step < {step}
                """,
                cancellationToken) == 1;
        }

        if (RecoveryCode.DigestOf(code) is not { } digest || await session.ExecuteAsync(
            $"""
            update recovery_codes set used_at = {time.GetInstant()}
            where user_id = {userId} and code_digest = {digest} and used_at is null
            """,
            cancellationToken) == 0)
            return false;
        await audit.WriteAsync(session, userId, origin, AuditActions.RecoveryCodeUsed, target: null, cancellationToken);
        return true;
    }

    /// <returns>Whether there was one.</returns>
    public static async Task<bool> RemoveAsync(Session session, Guid userId, CancellationToken cancellationToken)
    {
        await session.ExecuteAsync($"delete from recovery_codes where user_id = {userId}", cancellationToken);
        await session.ExecuteAsync($"delete from pending_logins where user_id = {userId}", cancellationToken);
        return await session.ExecuteAsync($"delete from second_factors where user_id = {userId}", cancellationToken) > 0;
    }

    private static string ContextOf(Guid userId) => $"second_factors {userId:D}";

    private static Task<StoredFactor?> FindAsync(Session session, Guid userId, CancellationToken cancellationToken) => session.FirstAsync(
        $"select secret, confirmed_at from second_factors where user_id = {userId}",
        static row => new StoredFactor(row.BytesOrNull(0)!, row.InstantOrNull(1)),
        cancellationToken);

    private long? FindStep(StoredFactor found, Guid userId, string code)
    {
        if (encryption.Decrypt(found.Stored, ContextOf(userId)) is { } secret)
            return TotpCode.FindStep(secret, code, time.GetUtcNow());
        Log.NotReadable(logger, userId);
        return null;
    }

    private sealed record StoredFactor(byte[] Stored, DateTimeOffset? ConfirmedAt);

    private static partial class Log
    {
        [LoggerMessage(
            1, LogLevel.Warning,
            "The second factor of account {UserId} cannot be read: PYRESOLVE_ENCRYPTION_KEY does not have the key that encrypted it. Its "
            + "recovery codes work, and so does: accounts reset-second-factor")]
        public static partial void NotReadable(ILogger logger, Guid userId);
    }
}
