using PyResolve.Server.Storage;

namespace PyResolve.Server.Ledger;

/// <summary>Locks as <see cref="ReservationRows"/> does, where rows are distributed: in statements about one account each.</summary>
internal static class DistributedReservations
{
    /// <param name="max">Of each account, so that what is settled never depends on who else asks.</param>
    public static IEnumerable<Sql> LockDueAnd(
        Session session, IReadOnlyList<Guid> userIds, IReadOnlyList<(Guid UserId, Guid Id)> others, int max, DateTimeOffset now)
    {
        var due = userIds.ToHashSet();
        var othersOf = others.ToLookup(static key => key.UserId, static key => key.Id);
        foreach (var userId in due.Union(othersOf.Select(static keys => keys.Key)).Order())
        {
            Sql some = $"select id from reservations where user_id = {userId} and {StoredReservation.IsDue(now)} limit {max}";
            Sql none = $"select id from reservations where user_id = {userId} and {false}";
            Sql named = $"union select k.id from {Ids(session, [.. othersOf[userId]])}";
            SqlPart? also = othersOf[userId].Any() ? new SqlPart(named) : null;
            yield return
                $"""
                select {StoredReservation.Columns}
                from reservations
                where user_id = {userId}
                  and id in (select d.id from ({new SqlPart(due.Contains(userId) ? some : none)}) d {also})
                order by id {session.Engine.ForUpdate}
                """;
        }
    }

    /// <summary>Reads which are due, and locks by account those that still are: another instance may have settled some.</summary>
    public static async Task<List<StoredReservation>> LockSomeDueAsync(
        Session session, IReadOnlyList<Guid> except, int max, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var due = await session.ListAsync(
            $"""
            select user_id, id
            from reservations
            where {StoredReservation.IsDue(now)}
              and user_id not in (select x.user_id from {session.Rows("x", except).With("user_id", static id => id)})
            order by expires_at
            limit {max}
            """,
            static row => (UserId: row.Uuid(0), Id: row.Uuid(1)),
            cancellationToken);
        return await session.ListAsync(
            from key in due
            group key.Id by key.UserId into ofAccount
            orderby ofAccount.Key
            select LockDue(session, ofAccount.Key, [.. ofAccount], now),
            StoredReservation.Read,
            cancellationToken);
    }

    private static Sql LockDue(Session session, Guid userId, IReadOnlyList<Guid> ids, DateTimeOffset now) =>
        $"""
        select {StoredReservation.Columns}
        from reservations
        where user_id = {userId} and id in (select k.id from {Ids(session, ids)}) and {StoredReservation.IsDue(now)}
        order by id {session.Engine.ForUpdateSkippingLocked}
        """;

    private static SqlRows<Guid> Ids(Session session, IReadOnlyList<Guid> ids) => session.Rows("k", ids).With("id", static id => id);
}
