using System.Security.Cryptography;
using System.Text;
using PyResolve.Server.Access;
using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>The secret of a login: <c>pyr_sess_</c> and 48 hex characters, stored as its SHA-256 alone.</summary>
internal static class SessionToken
{
    private const string Start = "pyr_sess_";

    public static string Create() => Start + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24));

    public static bool HasTokenForm(string text) => text.StartsWith(Start, StringComparison.Ordinal);

    public static byte[] DigestOf(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}

/// <summary>Logins: opened, found again, ended.</summary>
internal sealed class Sessions(Database database, ServerOptions options, TimeProvider time)
{
    public async Task<(string Token, DateTimeOffset ExpiresAt)> OpenAsync(Session session, Guid userId, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        var token = SessionToken.Create();
        var expiresAt = now.AddDays(options.SessionDays);
        await session.ExecuteAsync(
            $"""
            insert into sessions (id, user_id, token_digest, created_at, expires_at)
            values ({Ids.Create(now)}, {userId}, {SessionToken.DigestOf(token)}, {now}, {expiresAt})
            """,
            cancellationToken);
        return (token, expiresAt);
    }

    /// <returns>The session's account, or <see langword="null"/> for a session that is unknown, ended or expired.</returns>
    public Task<Caller?> FindAsync(string token, CancellationToken cancellationToken) => database.FirstWithTimeoutAsync(
        $"""
        select s.id, p.id, p.email, p.name
        from sessions s
        join profiles p on p.id = s.user_id
        where s.token_digest = {SessionToken.DigestOf(token)} and s.revoked_at is null and s.expires_at > {time.GetInstant()}
          and p.deleted_at is null
        """,
        static row => new Caller(row.Uuid(1), row.Text(2), row.TextOrNull(3)) { SessionId = row.Uuid(0) },
        cancellationToken);

    public Task EndAsync(Session session, Guid id, CancellationToken cancellationToken) => session.ExecuteAsync(
        $"update sessions set revoked_at = {time.GetInstant()} where id = {id} and revoked_at is null",
        cancellationToken);

    /// <param name="session">The transaction.</param>
    /// <param name="userId">The account.</param>
    /// <param name="except">The one that stays.</param>
    /// <param name="cancellationToken">Abandons it.</param>
    public Task EndAllAsync(Session session, Guid userId, Guid? except, CancellationToken cancellationToken) => session.ExecuteAsync(
        $"update sessions set revoked_at = {time.GetInstant()} where user_id = {userId} and id <> {except ?? Guid.Empty} and revoked_at is null",
        cancellationToken);
}
