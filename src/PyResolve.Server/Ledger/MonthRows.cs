using PyResolve.Server.Storage;

namespace PyResolve.Server.Ledger;

/// <summary>The rollups of months, which every transaction locks after the reservations, in key order.</summary>
internal static class MonthRows
{
    /// <summary>
    /// Locks the rollups of <paramref name="month"/>, creating those that are missing, and of each month in which the accounts hold units.
    /// Deleted accounts are left out. Where the rows are distributed, none is created.
    /// </summary>
    public static List<((Guid UserId, string Month) Key, MonthTotals Totals)> Lock(
        ReadBatch batch, IReadOnlyList<Guid> userIds, string month) => batch.Session.Engine.IsDistributed
        ? batch.List(LockFound(batch.Session, userIds, month), ReadTotals)
        : batch.List(
            Lock(
                $"""
                (
                    select p.id as user_id, {month} as month
                    from profiles p
                    where p.id in (select a.user_id from {batch.Session.Rows("a", userIds).With("user_id", static id => id)})
                    union
                    select m.user_id, m.month
                    from usage_monthly m
                    where m.user_id in (select b.user_id from {batch.Session.Rows("b", userIds).With("user_id", static id => id)})
                      and m.held > 0) w
                """),
            ReadTotals);

    public static async Task<Dictionary<(Guid UserId, string Month), MonthTotals>> LockAsync(
        Session session, IReadOnlyCollection<(Guid UserId, string Month)> months, CancellationToken cancellationToken) =>
        (await session.ListAsync(Lock(session, months), ReadTotals, cancellationToken))
            .ToDictionary(static pair => pair.Key, static pair => pair.Totals);

    /// <summary>Locks rollups, and creates those that are missing.</summary>
    public static IEnumerable<Sql> Lock(Session session, IReadOnlyCollection<(Guid UserId, string Month)> months) =>
        session.Engine.InParts<(Guid UserId, string Month)>(
            [.. months.Distinct()],
            some => LockInserted($"{session.Rows("w", some)
                .With("user_id", static key => key.UserId)
                .With("month", static key => key.Month)
                .Inserted("user_id", "month")}"));

    /// <summary>
    /// Adds the changes to their months. Checks the limit once more where units were granted: a month that would exceed it can only come
    /// from a bug, and gets a null, which the table's constraint rejects.
    /// </summary>
    public static IEnumerable<Sql> Update(Session session, MonthChanges changes)
    {
        MonthChange[] changed = [.. changes.All.Where(static change => change is not { Held: 0, Lapsed: 0, MovesBeyond: false })];
        return changed.Length == 0
            ? []
            : session.ByAccount(
                changed, static change => change.UserId, (some, account) => Update(session, some, account));
    }

    private static Sql Update(Session session, IReadOnlyList<MonthChange> changed, OneAccount account)
    {
        var rows = session.Rows("c", changed)
            .With("user_id", static change => change.UserId)
            .With("month", static change => change.Month)
            .With("held", static change => change.Held)
            .With("lapsed", static change => change.Lapsed)
            .With("plan_limit", static change => change.Limit);
        var beyond = new SqlFragment(null);
        if (changed.Any(static change => change.MovesBeyond))
        {
            rows.With("credits", static change => change.Credits).With("overage", static change => change.Overage);
            beyond = new SqlFragment("credits = usage_monthly.credits + c.credits, overage = usage_monthly.overage + c.overage,");
        }

        return
            $"""
            update usage_monthly
            set {beyond} lapsed = usage_monthly.lapsed + c.lapsed,
                held = case
                    when c.plan_limit is null
                      or usage_monthly.migrations + usage_monthly.lapsed + c.lapsed + usage_monthly.held + c.held <= c.plan_limit
                    then usage_monthly.held + c.held
                end
            from {rows}
            where usage_monthly.user_id = c.user_id and usage_monthly.month = c.month{account.And("usage_monthly.user_id")}
            """;
    }

    private static Sql Lock(Sql wanted) => LockInserted(
        $"""
        select w.user_id, w.month
        from {new SqlPart(wanted)}
        where true
        order by w.user_id, w.month
        """);

    // The update changes nothing, but locks and returns a row that exists.
    private static Sql LockInserted(Sql rows) =>
        $"""
        insert into usage_monthly (user_id, month)
        {new SqlPart(rows)}
        on conflict (user_id, month) do update set held = usage_monthly.held
        returning user_id, month, migrations + lapsed, held, extra, credits, overage
        """;

    /// <summary>Locks the rollups of accounts, without creating those that are missing.</summary>
    private static IEnumerable<Sql> LockFound(Session session, IReadOnlyList<Guid> userIds, string month) => userIds.Order().Select(
        userId => (Sql)
            $"""
            select user_id, month, migrations + lapsed, held, extra, credits, overage
            from usage_monthly
            where user_id = {userId} and (month = {month} or held > 0)
            order by month {session.Engine.ForUpdate}
            """);

    private static ((Guid UserId, string Month) Key, MonthTotals Totals) ReadTotals(Row row) =>
        (
            (row.Uuid(0), row.Text(1)),
            new MonthTotals(row.Int64(2), row.Int64(3), row.Int64(4)) { Credits = row.Int64(5), Overage = row.Int64(6) });
}
