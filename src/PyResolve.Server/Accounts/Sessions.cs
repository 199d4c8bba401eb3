using PyResolve.Server.Access;
using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

internal sealed class Sessions(Database database, ServerOptions options, TimeProvider time)
{
    public async Task<(string Token, DateTimeOffset ExpiresAt)> OpenAsync(Session session, Guid userId, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        var token = TokenKind.Session.Create();
        var expiresAt = now.AddDays(options.SessionDays);
        await session.ExecuteAsync(
            $"""
            insert into sessions (id, user_id, token_digest, created_at, expires_at)
            values ({Ids.Create(now)}, {userId}, {TokenKind.DigestOf(token)}, {now}, {expiresAt})
            """,
            cancellationToken);
        return (token, expiresAt);
    }

    public Task<Caller?> FindAsync(string token, CancellationToken cancellationToken) => database.FirstWithTimeoutAsync(
        $"""
        select s.id, p.id, p.email, p.name
        from sessions s
        join profiles p on p.id = s.user_id
        where s.token_digest = {TokenKind.DigestOf(token)} and s.revoked_at is null and s.expires_at > {time.GetInstant()}
          and p.deleted_at is null
        """,
        static row => new Caller(row.Uuid(1), row.Text(2), row.TextOrNull(3)) { SessionId = row.Uuid(0) },
        cancellationToken);

    public Task EndAsync(Session session, Guid id, CancellationToken cancellationToken) => session.ExecuteAsync(
        $"update sessions set revoked_at = {time.GetInstant()} where id = {id} and revoked_at is null",
        cancellationToken);

    public Task EndAllAsync(Session session, Guid userId, Guid? except, CancellationToken cancellationToken) => session.ExecuteAsync(
        $"""
        update sessions set revoked_at = {time.GetInstant()}
        where user_id = {userId} and id <> {except ?? Guid.Empty} and revoked_at is null
        """,
        cancellationToken);
}
