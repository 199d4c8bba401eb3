using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>The rows of passwords. Opening and ending sessions by a password locks its row first.</summary>
internal static class StoredPasswords
{
    /// <returns>Whether the locked hash is still <paramref name="expectedHash"/>.</returns>
    public static async Task<bool> LockAsync(Session session, Guid userId, string expectedHash, CancellationToken cancellationToken) =>
        await session.FirstAsync(
            $"select password_hash from passwords where user_id = {userId} {session.Engine.ForUpdate}",
            static row => row.Text(0),
            cancellationToken) == expectedHash;

    public static async Task<bool> ExistsAsync(Session session, Guid userId, CancellationToken cancellationToken) =>
        await session.NumberAsync($"select count(*) from passwords where user_id = {userId}", cancellationToken) > 0;

    public static Task SetAsync(Session session, Guid userId, string hash, DateTimeOffset now, CancellationToken cancellationToken) =>
        session.ExecuteAsync(
            $"""
            insert into passwords (user_id, password_hash, changed_at) values ({userId}, {hash}, {now})
            on conflict (user_id) do update set password_hash = excluded.password_hash, changed_at = excluded.changed_at
            """,
            cancellationToken);

    /// <returns>Whether there was one. The reader of the mailbox sets the next one by a reset.</returns>
    public static async Task<bool> RemoveAsync(Session session, Guid userId, CancellationToken cancellationToken) =>
        await session.ExecuteAsync($"delete from passwords where user_id = {userId}", cancellationToken) > 0;
}
