using PyResolve.Server.Storage;

namespace PyResolve.Server.Ledger;

/// <summary>
/// Credits to give. The same <c>Reference</c> gives an account credits once: a payment of which Stripe tells twice, or a form that is sent
/// twice.
/// </summary>
internal sealed record NewCredits(Guid UserId, string Source, string Reference, int Units, DateTimeOffset? ExpiresAt)
{
    public const string Purchase = "purchase";
    public const string Operator = "operator";
}

/// <summary>Gives credits and takes them back, within the caller's transaction.</summary>
internal static class CreditGrants
{
    /// <returns>Whether this call gave them; false: an earlier one did.</returns>
    public static async Task<bool> AddAsync(
        Session session, NewCredits credits, DateTimeOffset now, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(Add(session, [credits], now), cancellationToken) == 1;

    /// <summary>Adds credits; a reference that the account already has adds nothing.</summary>
    public static Sql Add(Session session, IReadOnlyList<NewCredits> all, DateTimeOffset now) =>
        $"""
        insert into credit_grants (user_id, id, source, reference, units, expires_at, created_at)
        {session.Rows("g", all)
            .With("user_id", static credits => credits.UserId)
            .With("id", _ => Ids.Create(now))
            .With("source", static credits => credits.Source)
            .With("reference", static credits => credits.Reference)
            .With("units", static credits => (long)credits.Units)
            .With("expires_at", static credits => credits.ExpiresAt)
            .With("created_at", _ => now)
            .Inserted("user_id", "reference")}
        on conflict do nothing
        """;

    /// <summary>How many units of a grant are taken back when a share of its payment was refunded.</summary>
    public static long TakenOf(long units, int percent) => ((units * percent) + 99) / 100;

    /// <summary>
    /// Sets how many units are taken back. Units that are drawn stay drawn; when they return, nobody can draw them again.
    /// </summary>
    /// <param name="session">The caller's transaction.</param>
    /// <param name="refunds">For each grant, the per cent of its units that was refunded, rounded up.</param>
    public static IEnumerable<Sql> TakeBack(Session session, IReadOnlyList<(Guid UserId, string Reference, int Percent)> refunds) =>
    [
        .. CreditRows.LockInOrder(
            session,
            refunds,
            static refund => refund.UserId,
            some => $"(user_id, reference) in (select r.user_id, r.reference from {Rows(session, some)})"),
        .. session.ByAccount(
            refunds,
            static refund => refund.UserId,
            (some, account) =>
                $"""
                update credit_grants set taken = (credit_grants.units * r.percent + 99) / 100
                from {Rows(session, some)}
                where credit_grants.user_id = r.user_id and credit_grants.reference = r.reference{account.And("credit_grants.user_id")}
                """),
    ];

    private static SqlRows<(Guid UserId, string Reference, int Percent)> Rows(
        Session session, IReadOnlyList<(Guid UserId, string Reference, int Percent)> refunds) => session.Rows("r", refunds)
        .With("user_id", static refund => refund.UserId)
        .With("reference", static refund => refund.Reference)
        .With("percent", static refund => (long)refund.Percent);
}
