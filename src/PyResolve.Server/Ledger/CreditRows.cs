using System.Runtime.InteropServices;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Ledger;

/// <summary>Credits that were bought or given at once. <c>Taken</c> is all of them where they have ended.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct CreditGrant(Guid UserId, Guid Id, long Units, long Drawn, long Taken)
{
    /// <summary>The units that can still be drawn.</summary>
    public long Left => Math.Max(0, Units - Drawn - Taken);

    /// <summary>The units that late commits drew after others had drawn them: other credits pay for them.</summary>
    public long Owed => Math.Max(0, Drawn - Units);

    public static long LeftOf(IEnumerable<CreditGrant> grants) => Math.Max(0, grants.Sum(static grant => grant.Left - grant.Owed));
}

/// <summary>
/// Statements about the rows of credits. Transactions lock profiles, reservations, rollups and credits in this order, each by key.
/// </summary>
internal static class CreditRows
{
    /// <summary>
    /// The order in which credits are drawn, and locked: two transactions that lock the same ones wait, and do not deadlock.
    /// </summary>
    private static readonly SqlFragment InOrder = new("order by user_id, expires_at is null, expires_at, id");

    /// <summary>
    /// Locks the grants that have not ended, the first to end first, also those that are used up, to which units may return; and those that
    /// owe.
    /// </summary>
    public static List<CreditGrant> Lock(
        ReadBatch batch, IReadOnlyList<Guid> userIds, CreditOrigins origins, DateTimeOffset now) => batch.List(
        batch.Session.ByAccount(
            userIds,
            static id => id,
            (some, account) =>
                $"""
                select user_id, id, units, drawn, case when {IsUsable(now)} then taken else units end
                from credit_grants
                where user_id in (select a.user_id from {batch.Session.Rows("a", some).With("user_id", static id => id)})
                  and ({IsUsable(now)} or drawn > units) and {origins.Count}{account.And("user_id")}
                {InOrder} {batch.Session.Engine.ForUpdate}
                """),
        static row => new CreditGrant(row.Uuid(0), row.Uuid(1), row.Int64(2), row.Int64(3), row.Int64(4)));

    /// <summary>Locks rows before an update of several, which would lock them in whatever order it finds them.</summary>
    /// <param name="session">The caller's transaction.</param>
    /// <param name="rows">What the caller is about to change, of any accounts.</param>
    /// <param name="account">The account of one of them.</param>
    /// <param name="wanted">The condition for some of the rows.</param>
    public static IEnumerable<Sql> LockInOrder<T>(
        Session session, IReadOnlyList<T> rows, Func<T, Guid> account, Func<IReadOnlyList<T>, Sql> wanted) => session.ByAccount(
        rows,
        account,
        (some, one) =>
            $"select id from credit_grants where {new SqlPart(wanted(some))}{one.And("user_id")} {InOrder} {session.Engine.ForUpdate}");

    public static SqlPart IsUsable(DateTimeOffset now)
    {
        Sql usable = $"taken < units and (expires_at is null or expires_at > {now})";
        return new SqlPart(usable);
    }

    /// <summary>
    /// Draws units of <paramref name="drawn"/>, gives those of <paramref name="settled"/> back, and draws what they spent late. A grant
    /// that would have too few for a new reservation can only come from a bug, and gets a null, which the table rejects.
    /// </summary>
    public static IEnumerable<Sql> Move(
        Session session, IReadOnlyCollection<StoredReservation> drawn, IEnumerable<StoredReservation> settled)
    {
        var changes = new Dictionary<(Guid UserId, Guid Id), long>();
        foreach (var reservation in drawn)
            Add(reservation.UserId, reservation.Beyond?.Draws, sign: 1);
        foreach (var reservation in settled)
        {
            Add(reservation.UserId, reservation.Beyond?.ReturnedCredits, sign: -1);
            Add(reservation.UserId, reservation.Beyond?.LateCredits, sign: 1);
        }

        if (changes.Count == 0)
            return [];
        IEnumerable<Sql> locks = [];
        // The transaction that draws has locked them when it decided.
        if (drawn.Count == 0 && changes.Count > 1)
        {
            locks = LockInOrder<(Guid UserId, Guid Id)>(
                session,
                [.. changes.Keys],
                static key => key.UserId,
                some =>
                    $"""
                    (user_id, id) in (
                        select k.user_id, k.id
                        from {session.Rows("k", some)
                            .With("user_id", static key => key.UserId)
                            .With("id", static key => key.Id)})
                    """);
        }

        var most = drawn.Count == 0
            ? new SqlFragment("credit_grants.drawn + c.units")
            : new SqlFragment("credit_grants.units - credit_grants.taken");
        return locks.Concat(session.ByAccount<KeyValuePair<(Guid UserId, Guid Id), long>>(
            [.. changes],
            static change => change.Key.UserId,
            (some, account) =>
                $"""
                update credit_grants
                set drawn = case when c.units <= 0 or credit_grants.drawn + c.units <= {most} then credit_grants.drawn + c.units end
                from {session.Rows("c", some)
                    .With("user_id", static change => change.Key.UserId)
                    .With("id", static change => change.Key.Id)
                    .With("units", static change => change.Value)}
                where credit_grants.user_id = c.user_id and credit_grants.id = c.id{account.And("credit_grants.user_id")}
                """));

        void Add(Guid userId, IReadOnlyList<CreditDraw>? draws, int sign)
        {
            foreach (var draw in draws ?? [])
                changes[(userId, draw.GrantId)] = changes.GetValueOrDefault((userId, draw.GrantId)) + (sign * draw.Units);
        }
    }
}
