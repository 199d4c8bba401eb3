using PyResolve.Server.Access;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Keys;

/// <summary>A key of an account, by its id, which the account wants to change.</summary>
internal sealed record OwnedKey(Guid Id, string Prefix, NewApiKey Terms, bool IsRevoked, bool IsReplaced)
{
    /// <summary>
    /// The key that a rotation makes. It shares the old key's limit, which each rotation with a grace period would otherwise double.
    /// </summary>
    public NewApiKey Successor =>
        Terms.RequestsPerMinute is { } limit ? Terms with { Shared = Terms.Shared ?? new SharedLimit(Id, limit) } : Terms;

    public static Task<OwnedKey?> FindAsync(
        Session session, Guid userId, Guid id, bool forUpdate, CancellationToken cancellationToken) =>
        session.FirstAsync(
            $"""
            select key_prefix, name, scopes, expires_at, requests_per_minute, limited_by, shared_requests_per_minute, revoked_at,
                   replaced_by
            from api_keys
            where id = {id} and user_id = {userId} {(forUpdate ? session.Engine.ForUpdate : default)}
            """,
            row => new OwnedKey(
                id,
                row.Text(0),
                new NewApiKey(
                    row.TextOrNull(1) ?? ApiKeys.DefaultName,
                    ScopeSets.Parse(row.Text(2)),
                    row.InstantOrNull(3),
                    row.Int32OrNull(4),
                    StoredKeys.ReadSharedLimit(row, 5)),
                IsRevoked: row.InstantOrNull(7) is not null,
                IsReplaced: row.UuidOrNull(8) is not null),
            cancellationToken);
}
