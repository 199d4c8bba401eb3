using System.Collections.Concurrent;
using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Audit;
using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>The client that opens a session, as the list of sessions shows it.</summary>
internal sealed record SessionClient(Origin Origin, string? UserAgent)
{
    private const int MaxUserAgentLength = 200;

    /// <summary>The client of a request that logs in, which itself proves who owns the account.</summary>
    public static SessionClient Of(HttpContext http) => new(Origin.OfOwner(http), Shorten(http.Request.Headers.UserAgent.ToString()));

    private static string? Shorten(string text)
    {
        var shown = text.Length > MaxUserAgentLength ? text[..MaxUserAgentLength] : text;
        return shown.Length > 0 && FieldErrors.IsPlainText(shown) ? shown : null;
    }
}

internal sealed class Sessions(Database database, ServerOptions options, TimeProvider time)
{
    private const int MaxListed = 1000;

    private static readonly TimeSpan SeenInterval = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<Guid, bool> _noting = new();

    /// <param name="provedAt">When the person showed a password or a code here; null: another service let them in.</param>
    public async Task<(string Token, DateTimeOffset ExpiresAt)> OpenAsync(
        Session session, Guid userId, SessionClient client, DateTimeOffset? provedAt, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        var token = TokenKind.Session.Create();
        var expiresAt = now.AddDays(options.SessionDays);
        await session.ExecuteAsync(
            $"""
            insert into sessions (id, user_id, token_digest, created_at, expires_at, last_seen_at, address, user_agent, proved_at)
            values ({Ids.Create(now)}, {userId}, {TokenKind.DigestOf(token)}, {now}, {expiresAt}, {now}, {client.Origin.Address},
                    {client.UserAgent}, {provedAt})
            """,
            cancellationToken);
        return (token, expiresAt);
    }

    public async Task<Caller?> FindAsync(string token, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        var found = await database.FirstWithTimeoutAsync(
            $"""
            select s.id, p.id, p.email, p.name, coalesce(s.last_seen_at, s.created_at), v.id, v.email, v.name, s.viewing_until
            from sessions s
            join profiles p on p.id = s.user_id
            left join profiles v on v.id = s.viewing and s.viewing_until > {now} and v.deleted_at is null
              and exists (select 1 from operators o where o.user_id = s.user_id)
            where s.token_digest = {TokenKind.DigestOf(token)} and s.revoked_at is null and s.expires_at > {now}
              and p.deleted_at is null
            """,
            static row => new
            {
                Caller = new Caller(row.Uuid(1), row.Text(2), row.TextOrNull(3))
                {
                    SessionId = row.Uuid(0),
                    Viewing = row.UuidOrNull(5) is { } viewed
                        ? new ViewedAccount(viewed, row.Text(6), row.TextOrNull(7), row.Instant(8))
                        : null,
                },
                LastSeenAt = row.Instant(4),
            },
            cancellationToken);
        if (found is null || found.LastSeenAt + options.SessionIdle <= now)
            return null;
        if (found.LastSeenAt + SeenInterval <= now)
            await NoteSeenAsync(found.Caller.SessionId!.Value, now, cancellationToken);
        return found.Caller;
    }

    /// <summary>Lists open sessions, newest first.</summary>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <param name="count">The most to read.</param>
    /// <param name="before">The last session of the page before; null: from the newest on.</param>
    public Task<List<SessionInfo>> ListAsync(
        Caller caller, CancellationToken cancellationToken, int count = MaxListed, Guid? before = null)
    {
        var now = time.GetInstant();
        SqlPart? place = before is { } last
            ? new SqlPart($"and (created_at, id) < (select created_at, id from sessions where id = {last} and user_id = {caller.UserId})")
            : null;
        return database.ListAsync(
            $"""
            select id, created_at, coalesce(last_seen_at, created_at), address, user_agent
            from sessions
            where user_id = {caller.UserId} and revoked_at is null and expires_at > {now}
              and coalesce(last_seen_at, created_at) > {now - options.SessionIdle} {place}
            order by created_at desc, id desc
            limit {count}
            """,
            row => new SessionInfo(
                row.Uuid(0), row.Instant(1), row.Instant(2), row.TextOrNull(3), row.TextOrNull(4), row.Uuid(0) == caller.SessionId),
            cancellationToken);
    }

    public static async Task<bool> IsOfAsync(Session session, Guid userId, Guid id, CancellationToken cancellationToken) =>
        await session.NumberAsync($"select count(*) from sessions where id = {id} and user_id = {userId}", cancellationToken) > 0;

    /// <summary>Locks a session, so that it ends before or after the transaction.</summary>
    public async Task<bool> LockOpenAsync(Session session, Guid id, CancellationToken cancellationToken) => await session.FirstAsync(
        $"""
        select id from sessions where id = {id} and revoked_at is null and expires_at > {time.GetInstant()} {session.Engine.ForUpdate}
        """,
        static row => new { Id = row.Uuid(0) },
        cancellationToken) is not null;

    private async Task NoteSeenAsync(Guid id, DateTimeOffset now, CancellationToken cancellationToken)
    {
        // Another request may be at it, for as long as the store does not answer.
        if (_noting.TryAdd(id, true))
            await NoteAsync().WaitBrieflyAsync(cancellationToken);

        async Task NoteAsync()
        {
            try
            {
                await database.ExecuteAsync($"update sessions set last_seen_at = {now} where id = {id}", CancellationToken.None);
            }
            finally
            {
                _noting.TryRemove(id, out _);
            }
        }
    }

    /// <summary>Finds the caller on a route that takes a session, but does not need one.</summary>
    public async Task<Caller?> FindCallerAsync(HttpContext http)
    {
        const string Scheme = "Bearer ";
        var authorization = http.Request.Headers.Authorization.ToString();
        return authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            && authorization[Scheme.Length..].Trim() is var token && TokenKind.Session.HasPrefix(token)
            ? await FindAsync(token, http.RequestAborted)
            : null;
    }

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
