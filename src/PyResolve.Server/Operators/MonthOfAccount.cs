using PyResolve.Server.Storage;

namespace PyResolve.Server.Operators;

/// <summary>
/// Reads what the accounts of a list have used in a month: with them by a join; where the ledger is distributed, afterwards by account.
/// </summary>
internal sealed class MonthOfAccount(Session session, string month)
{
    /// <summary>The column of the list with the units that an account has used.</summary>
    public SqlFragment Used => new(session.Engine.IsDistributed ? "cast(0 as bigint)" : "coalesce(m.migrations + m.lapsed, 0)");

    /// <summary>The join that follows <c>profiles p</c>.</summary>
    public SqlPart? Join => session.Engine.IsDistributed
        ? null
        : new SqlPart($"left join usage_monthly m on m.user_id = p.id and m.month = {month}");

    /// <returns>null: the list has it. Accounts that used nothing are left out.</returns>
    public async Task<Dictionary<Guid, long>?> ReadAsync(IReadOnlyList<Guid> userIds, CancellationToken cancellationToken) =>
        !session.Engine.IsDistributed
            ? null
            : (await session.ListAsync(
                userIds.Select(userId => (Sql)
                    $"select user_id, migrations + lapsed from usage_monthly where user_id = {userId} and month = {month}"),
                static row => (UserId: row.Uuid(0), Used: row.Int64(1)),
                cancellationToken)).ToDictionary(static pair => pair.UserId, static pair => pair.Used);
}
