using PyResolve.Server.Storage;

namespace PyResolve.Server.Operators;

/// <summary>
/// An entry of the audit log. <c>Email</c>: of the account; null: none, or deleted. <c>Operator</c>: who did it on the operator's pages.
/// </summary>
internal sealed record OperatorAuditEntry(
    Guid Id, DateTimeOffset At, Guid UserId, string? Email, string Actor, string Action, string? Target, string? Address, string? Operator,
    string? Reason);

/// <summary>The entries to show. <c>ByOperators</c>: only what operators did on their pages.</summary>
internal sealed record AuditFilter(Guid? UserId = null, string? Action = null, bool ByOperators = false);

internal sealed record AuditPosition(DateTimeOffset At, Guid Id)
{
    public static AuditPosition Newest { get; } = new(DateTimeOffset.MaxValue.ToInstant(), Guid.AllBitsSet);
}

/// <summary>Reads the log of one account or of all, with who did something and why. Newest first.</summary>
internal sealed class AuditSearch(Database database)
{
    /// <returns>One more than <paramref name="limit"/> where another page follows.</returns>
    public Task<List<OperatorAuditEntry>> ReadAsync(
        AuditFilter filter, AuditPosition before, int limit, CancellationToken cancellationToken)
    {
        SqlPart? ofAccount = filter.UserId is { } userId ? new SqlPart($"and a.user_id = {userId}") : null;
        SqlPart? ofAction = filter.Action is { } action ? new SqlPart($"and a.action = {action}") : null;
        SqlPart? byOperators = filter.ByOperators ? new SqlPart($"and a.operator_id is not null") : null;
        // Ids ascend with time: within one account they alone are the order, and have the index.
        SqlPart order = filter.UserId is null ? new SqlPart($"a.at desc, a.id desc") : new SqlPart($"a.id desc");
        SqlPart place = filter.UserId is null
            ? new SqlPart($"(a.at, a.id) < ({before.At}, {before.Id})")
            : new SqlPart($"a.id < {before.Id}");
        return database.ListAsync(
            $"""
            select a.id, a.at, a.user_id, p.email, a.actor, a.action, a.target, a.address, o.email, a.reason
            from audit_log a
            left join profiles p on p.id = a.user_id
            left join profiles o on o.id = a.operator_id
            where {place} {ofAccount} {ofAction} {byOperators}
            order by {order}
            limit {limit + 1}
            """,
            static row => new OperatorAuditEntry(
                row.Uuid(0), row.Instant(1), row.Uuid(2), row.TextOrNull(3), row.Text(4), row.Text(5), row.TextOrNull(6), row.TextOrNull(7),
                row.TextOrNull(8), row.TextOrNull(9)),
            cancellationToken);
    }
}

/// <summary>The rows of a table of entries. <c>LabelledBy</c>: the id of the heading.</summary>
internal sealed record AuditRows(IReadOnlyList<OperatorAuditEntry> Entries, string LabelledBy, bool HasAccounts);
