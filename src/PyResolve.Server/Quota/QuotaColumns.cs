using PyResolve.Server.Ledger;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Quota;

/// <summary>
/// Columns for statements about quota. The month's row is <c>m</c>, and may be missing. Due reservations count as settled.
/// </summary>
internal static class QuotaColumns
{
    /// <summary>The used, held and extra units of the month.</summary>
    /// <param name="account">Whose; default: that of the profile <c>p</c>.</param>
    /// <param name="now">In the month of <c>m</c>.</param>
    public static SqlPart OfMonth(OneAccount account, DateTimeOffset now) => new(
        $"""
        coalesce(m.migrations + m.lapsed, 0) + case when m.held > 0 then coalesce((
            select sum(r.remaining)
            from reservations r
            where r.user_id = {IdOf(account)} and {StoredReservation.IsDue(now)} and r.month = {now.ToMonth()}
              and r.leased and r.settled_as is null), 0) else 0 end,
        coalesce(m.held, 0) - case when m.held > 0 then coalesce((
            select sum(r.remaining)
            from reservations r
            where r.user_id = {IdOf(account)} and {StoredReservation.IsDue(now)} and r.month = {now.ToMonth()}), 0) else 0 end,
        coalesce(m.extra, 0)
        """);

    /// <summary>The credits and the overage that the month has used.</summary>
    public static SqlPart Beyond(OneAccount account, DateTimeOffset now) => new(
        $"""
        coalesce(m.credits, 0) - coalesce((
            select sum(r.credits)
            from reservations r
            where r.user_id = {IdOf(account)} and {IsReturning(now)} and r.month = {now.ToMonth()}), 0),
        coalesce(m.overage, 0) - coalesce((
            select sum(r.overage)
            from reservations r
            where r.user_id = {IdOf(account)} and {IsReturning(now)} and r.month = {now.ToMonth()}), 0)
        """);

    /// <summary>The credits that are left, and a text of those that due reservations give back: see <see cref="DueCredits"/>.</summary>
    public static SqlPart Credits(OneAccount account, CreditOrigins origins, DateTimeOffset now) => new(
        $"""
        cast(coalesce((
            select sum(case when g.drawn > g.units then g.units - g.drawn
                            when {CreditRows.IsUsable(now)} and g.units > g.drawn + g.taken then g.units - g.drawn - g.taken
                            else 0 end)
            from credit_grants g
            where g.user_id = {IdOf(account)} and {origins.Count}), 0) as bigint),
        {new SqlPart(DueCredits.Column(IdOf(account), account, origins, now, IsReturning(now)))}
        """);

    private static SqlPart IdOf(OneAccount account) => account.UserId is { } id ? new($"{id}") : new($"p.id");

    private static SqlPart IsReturning(DateTimeOffset now) =>
        new($"{StoredReservation.IsDue(now)} and (not r.leased or r.settled_as is not null)");
}
