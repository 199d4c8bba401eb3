using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Ledger;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Sync;

/// <summary>
/// Gives the credits that Stripe says are paid, and takes back what was refunded. An event only says when to look: told twice, late or in
/// another order, it gives the same. Where nothing has changed, it costs a read.
/// </summary>
internal sealed class CreditSync(Database database, IStripeGateway stripe, BillingOptions options, TimeProvider time)
{
    public async Task RunAsync(string customerId, CancellationToken cancellationToken)
    {
        if (!options.HasCredits)
            return;
        var paid = await stripe.ListPaidCreditsAsync(customerId, cancellationToken);
        if (paid.Count == 0)
            return;
        var changed = await database.ReadAsync(
            session => FindChangedAsync(session, customerId, paid, cancellationToken), cancellationToken);
        if (changed.Count == 0)
            return;
        // From now on, and not from the checkout: a bank debit takes days. It is set once.
        var now = time.GetInstant();
        await database.WriteAsync(
            session => session.EndAsync(
            [
                CreditGrants.Add(session, [.. changed.Select(purchase => CreditsOf(purchase, now))], now),
                .. CreditGrants.TakeBack(
                    session, [.. changed.Select(purchase => (purchase.UserId, ReferenceOf(purchase), purchase.RefundedPercent))]),
            ]),
            cancellationToken);
    }

    /// <returns>Purchases of the customer's own account that are not stored as Stripe tells of them.</returns>
    private async Task<List<PaidCredits>> FindChangedAsync(
        Session session, string customerId, IReadOnlyList<PaidCredits> paid, CancellationToken cancellationToken)
    {
        var stored = await session.ListAsync(
            $"""
            select c.user_id, g.reference, g.units, g.taken
            from billing_customers c
            left join credit_grants g on g.user_id = c.user_id and g.reference in (
                select p.reference from {session.Rows("p", paid).With("reference", ReferenceOf)})
            where c.origin = {options.Origin} and c.customer_id = {customerId}
            """,
            static row => (
                Owner: row.Uuid(0), Reference: row.TextOrNull(1), Units: row.Int64OrNull(2) ?? 0, Taken: row.Int64OrNull(3) ?? 0),
            cancellationToken);
        var known = stored.Where(static grant => grant.Reference is not null).ToDictionary(static grant => grant.Reference!);
        return
        [
            .. paid.Where(purchase => stored.Exists(row => row.Owner == purchase.UserId)
                && !(known.GetValueOrDefault(ReferenceOf(purchase)) is { Reference: not null } grant
                    && grant.Taken == CreditGrants.TakenOf(grant.Units, purchase.RefundedPercent))),
        ];
    }

    private string ReferenceOf(PaidCredits paid) => $"{options.Origin}:{paid.SessionId}";

    private NewCredits CreditsOf(PaidCredits paid, DateTimeOffset now) => new(
        paid.UserId, NewCredits.Purchase, ReferenceOf(paid), paid.Units, paid.ValidDays is { } days ? now.AddDays(days) : null);
}
