using System.Runtime.InteropServices;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Ledger;

/// <summary>Credits that were bought or given at once. <c>Left</c> can still be drawn.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct CreditGrant(Guid UserId, Guid Id, long Left);

/// <summary>Locked after the rollups, by key: transactions lock profiles, reservations, rollups and credits in this order.</summary>
internal static class CreditRows
{
    /// <summary>Those that have not ended, the first to end first; also those that are used up, to which units may return.</summary>
    public static List<CreditGrant> Lock(ReadBatch batch, IReadOnlyList<Guid> userIds, DateTimeOffset now) => batch.List(
        $"""
        select user_id, id, units - drawn - taken
        from credit_grants
        where user_id in (select a.user_id from {batch.Session.Rows("a", userIds).With("user_id", static id => id)})
          and {IsUsable(now)}
        order by user_id, expires_at is null, expires_at, id {batch.Session.Engine.ForUpdate}
        """,
        static row => new CreditGrant(row.Uuid(0), row.Uuid(1), row.Int64(2)));

    public static SqlPart IsUsable(DateTimeOffset now)
    {
        Sql usable = $"taken < units and (expires_at is null or expires_at > {now})";
        return new SqlPart(usable);
    }

    /// <summary>
    /// Draws units of <paramref name="drawn"/>, and gives those of <paramref name="settled"/> back. A grant that would have too few can
    /// only come from a bug, and gets a null, which the table rejects.
    /// </summary>
    public static IEnumerable<Sql> Move(
        Session session, IEnumerable<StoredReservation> drawn, IEnumerable<StoredReservation> settled)
    {
        var changes = new Dictionary<(Guid UserId, Guid Id), long>();
        foreach (var reservation in drawn)
            Add(reservation.UserId, reservation.Beyond?.OpenCredits, sign: 1);
        foreach (var reservation in settled)
            Add(reservation.UserId, reservation.Beyond?.ReturnedCredits, sign: -1);
        if (changes.Count == 0)
            yield break;
        yield return
            $"""
            update credit_grants
            set drawn = case
                    when c.units <= 0 or credit_grants.drawn + c.units <= credit_grants.units - credit_grants.taken
                    then credit_grants.drawn + c.units
                end
            from {session.Rows("c", [.. changes])
                .With("user_id", static change => change.Key.UserId)
                .With("id", static change => change.Key.Id)
                .With("units", static change => change.Value)}
            where credit_grants.user_id = c.user_id and credit_grants.id = c.id
            """;

        void Add(Guid userId, IReadOnlyList<CreditDraw>? draws, int sign)
        {
            foreach (var draw in draws ?? [])
                changes[(userId, draw.GrantId)] = changes.GetValueOrDefault((userId, draw.GrantId)) + (sign * draw.Units);
        }
    }
}
