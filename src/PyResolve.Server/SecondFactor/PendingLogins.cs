using PyResolve.Server.Access;
using PyResolve.Server.Storage;

namespace PyResolve.Server.SecondFactor;

/// <summary>A login that waits for its code. <c>Next</c>: the page that the person asked for before signing in.</summary>
internal sealed record PendingLogin(Guid UserId, string Email, string Next);

/// <summary>
/// Logins that wait for the code: a person has given a password on a page, or has come from another service. The page carries a token, of
/// which a digest is kept.
/// </summary>
internal sealed class PendingLogins(TimeProvider time)
{
    public const int MaxTokenLength = 200;

    public static TimeSpan Lifetime { get; } = TimeSpan.FromMinutes(10);

    public async Task<string> CreateAsync(Session session, Guid userId, string next, CancellationToken cancellationToken)
    {
        var token = TokenKind.Email.Create();
        var now = time.GetInstant();
        await session.ExecuteAsync(
            $"""
            insert into pending_logins (token_digest, user_id, next_path, created_at, expires_at)
            values ({TokenKind.DigestOf(token)}, {userId}, {next}, {now}, {now + Lifetime})
            """,
            cancellationToken);
        return token;
    }

    public Task<PendingLogin?> FindAsync(Session session, string token, CancellationToken cancellationToken) => session.FirstAsync(
        $"""
        select p.id, p.email, l.next_path
        from pending_logins l
        join profiles p on p.id = l.user_id
        where l.token_digest = {TokenKind.DigestOf(token)} and l.expires_at > {time.GetInstant()} and p.deleted_at is null
        """,
        static row => new PendingLogin(row.Uuid(0), row.Text(1), row.Text(2)),
        cancellationToken);

    /// <returns>Whether it was there: of concurrent uses one succeeds.</returns>
    public async Task<bool> TakeAsync(Session session, string token, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"delete from pending_logins where token_digest = {TokenKind.DigestOf(token)} and expires_at > {time.GetInstant()}",
            cancellationToken) == 1;
}
