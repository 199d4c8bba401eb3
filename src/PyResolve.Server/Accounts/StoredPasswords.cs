using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>The row that whoever opens or ends sessions by a password goes through, one at a time.</summary>
internal static class StoredPasswords
{
    /// <summary>Locks the account's password until the transaction ends.</summary>
    /// <returns>Whether it is still <paramref name="expectedHash"/>.</returns>
    public static async Task<bool> LockAsync(Session session, Guid userId, string expectedHash, CancellationToken cancellationToken) =>
        await session.FirstAsync(
            $"select password_hash from passwords where user_id = {userId} {session.Engine.ForUpdate}",
            static row => row.Text(0),
            cancellationToken) == expectedHash;

    public static Task SetAsync(Session session, Guid userId, string hash, DateTimeOffset now, CancellationToken cancellationToken) => session.ExecuteAsync(
        $"""
        insert into passwords (user_id, password_hash, changed_at) values ({userId}, {hash}, {now})
        on conflict (user_id) do update set password_hash = excluded.password_hash, changed_at = excluded.changed_at
        """,
        cancellationToken);
}
