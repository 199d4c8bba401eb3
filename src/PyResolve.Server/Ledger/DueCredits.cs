using System.Globalization;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Ledger;

/// <summary>
/// How much the credits of an account grow when its due reservations are settled. Units that return to a grant that has ended, or that was
/// taken back, cannot be drawn.
/// </summary>
internal static class DueCredits
{
    private const char OfGrant = '=';
    private const string Between = "|";

    /// <summary>SQL for a text, for <see cref="Read"/>, with a grant and a due reservation each.</summary>
    /// <param name="account">The account, where the statement names one.</param>
    /// <param name="origins">Purchases of which origins count.</param>
    /// <param name="due">Which of the reservations <c>r</c>.</param>
    public static Sql Column(SqlPart userId, OneAccount account, CreditOrigins origins, DateTimeOffset now, SqlPart due) =>
        $"""
        (select string_agg(cast(g.id as text) || '=' || g.units || '=' || g.drawn || '=' ||
                    case when {CreditRows.IsUsable(now)} then g.taken else g.units end || '=' || d.beyond_plan, {Between})
         from (select r.user_id, r.beyond_plan from reservations r where r.user_id = {userId} and {due} and r.credits > 0) d
         join credit_grants g on g.user_id = d.user_id and {origins.Count}{account.And("g.user_id")})
        """;

    public static long Read(string? text)
    {
        var growth = 0L;
        foreach (var grant in (text?.Split(Between) ?? []).Select(Parse).GroupBy(static pair => pair.Grant))
        {
            var after = grant.Key with { Drawn = grant.Key.Drawn - grant.Sum(static pair => pair.Returned) };
            growth += after.Left - after.Owed - (grant.Key.Left - grant.Key.Owed);
        }

        return growth;
    }

    private static (CreditGrant Grant, long Returned) Parse(string text)
    {
        var parts = text.Split(OfGrant, 5);
        var grant = new CreditGrant(
            UserId: default, Guid.ParseExact(parts[0], "D"), Number(parts[1]), Number(parts[2]), Number(parts[3]));
        var returned = BeyondPlan.Parse(parts[4], openOverage: 0).ReturnAllBut(0).ReturnedCredits;
        return (grant, returned.Where(draw => draw.GrantId == grant.Id).Sum(static draw => (long)draw.Units));
    }

    private static long Number(string text) => long.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
}
