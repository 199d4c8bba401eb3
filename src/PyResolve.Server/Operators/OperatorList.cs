using PyResolve.Server.Audit;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Operators;

internal enum OperatorRole
{
    /// <summary>May see everything, and change nothing that costs money.</summary>
    Support,

    Admin,
}

internal sealed record ListedOperator(Guid UserId, string Email, OperatorRole Role, DateTimeOffset AddedAt);

/// <summary>An operator who is signed in. <c>ProvedAt</c>: when the person last proved who they are, in this session.</summary>
internal sealed record SignedInOperator(Guid UserId, string Email, Guid SessionId, OperatorRole Role, DateTimeOffset? ProvedAt)
{
    public static readonly TimeSpan ProofLifetime = TimeSpan.FromMinutes(15);

    public bool IsAdmin => Role is OperatorRole.Admin;

    public bool HasProofAt(DateTimeOffset now) => ProvedAt + ProofLifetime > now;
}

/// <summary>The accounts that may use the operator's pages. Only the server's own commands change them.</summary>
internal sealed class OperatorList(Database database, AuditLog audit, TimeProvider time)
{
    /// <summary>Makes an account an operator, or gives an operator another role.</summary>
    public Task AddAsync(Guid userId, OperatorRole role, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            await session.ExecuteAsync(
                $"""
                insert into operators (user_id, role, added_at) values ({userId}, {NameOf(role)}, {time.GetInstant()})
                on conflict (user_id) do update set role = excluded.role
                """,
                cancellationToken);
            await audit.WriteAsync(session, userId, Origin.Operator, AuditActions.OperatorAdded, NameOf(role), cancellationToken);
        },
        cancellationToken);

    /// <returns>Whether the account was one.</returns>
    public Task<bool> RemoveAsync(Guid userId, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            if (await session.ExecuteAsync($"delete from operators where user_id = {userId}", cancellationToken) == 0)
                return false;
            await audit.WriteAsync(session, userId, Origin.Operator, AuditActions.OperatorRemoved, target: null, cancellationToken);
            return true;
        },
        cancellationToken);

    public Task<List<ListedOperator>> ReadAsync(CancellationToken cancellationToken) => database.ListAsync(
        $"""
        select p.id, p.email, o.role, o.added_at
        from operators o
        join profiles p on p.id = o.user_id
        where p.deleted_at is null
        order by p.email
        """,
        static row => new ListedOperator(row.Uuid(0), row.Text(1), RoleOf(row.Text(2)), row.Instant(3)),
        cancellationToken);

    /// <returns>null: the person is no operator.</returns>
    public Task<SignedInOperator?> FindAsync(Guid sessionId, CancellationToken cancellationToken) => database.FirstAsync(
        $"""
        select p.id, p.email, s.id, o.role, s.proved_at
        from sessions s
        join operators o on o.user_id = s.user_id
        join profiles p on p.id = s.user_id
        where s.id = {sessionId} and p.deleted_at is null
        """,
        static row => new SignedInOperator(row.Uuid(0), row.Text(1), row.Uuid(2), RoleOf(row.Text(3)), row.InstantOrNull(4)),
        cancellationToken);

    public static string NameOf(OperatorRole role) => role is OperatorRole.Admin ? "admin" : "support";

    private static OperatorRole RoleOf(string name) => name == "admin" ? OperatorRole.Admin : OperatorRole.Support;
}
