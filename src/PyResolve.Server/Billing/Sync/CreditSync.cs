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
    /// <returns>Whether something has changed.</returns>
    public async Task<bool> RunAsync(string customerId, CancellationToken cancellationToken)
    {
        if (!options.HasCredits)
            return false;
        var paid = await ListPaidAsync(customerId, cancellationToken);
        if (paid.Count == 0)
            return false;
        var changed = await database.ReadAsync(
            session => FindChangedAsync(session, customerId, paid, cancellationToken), cancellationToken);
        if (changed.Count == 0)
            return false;
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
        return true;
    }

    private async Task<IReadOnlyList<PaidCredits>> ListPaidAsync(string customerId, CancellationToken cancellationToken)
    {
        try
        {
            return await stripe.ListPaidCreditsAsync(customerId, cancellationToken);
        }
        catch (StripeException exception) when (exception.IsMissing)
        {
            return [];
        }
    }

    /// <returns>Purchases of the customer's own account that are not stored as Stripe tells of them.</returns>
    private async Task<List<PaidCredits>> FindChangedAsync(
        Session session, string customerId, IReadOnlyList<PaidCredits> paid, CancellationToken cancellationToken)
    {
        var batch = new ReadBatch(session);
        var owners = batch.List(
            $"select user_id from billing_customers where origin = {options.Origin} and customer_id = {customerId}",
            static row => row.Uuid(0));
        var stored = batch.List(
            session.ByAccount(
                paid,
                static purchase => purchase.UserId,
                (some, account) =>
                    $"""
                    select g.user_id, g.reference, g.units, g.taken
                    from credit_grants g
                    where (g.user_id, g.reference) in (
                        select p.user_id, p.reference
                        from {session.Rows("p", some)
                            .With("user_id", static purchase => purchase.UserId)
                            .With("reference", ReferenceOf)}){account.And("g.user_id")}
                    """),
            static row => (Key: (row.Uuid(0), row.Text(1)), Units: row.Int64(2), Taken: row.Int64(3)));
        await batch.RunAsync(cancellationToken);
        var known = stored.ToDictionary(static grant => grant.Key);
        return
        [
            .. paid.Where(purchase => owners.Contains(purchase.UserId)
                && !(known.TryGetValue((purchase.UserId, ReferenceOf(purchase)), out var grant)
                    && grant.Taken == CreditGrants.TakenOf(grant.Units, purchase.RefundedPercent))),
        ];
    }

    private string ReferenceOf(PaidCredits paid) => CreditOrigins.ReferenceOf(options.Origin, paid.SessionId);

    private NewCredits CreditsOf(PaidCredits paid, DateTimeOffset now) => new(
        paid.UserId, NewCredits.Purchase, ReferenceOf(paid), paid.Units, paid.ValidDays is { } days ? now.AddDays(days) : null);
}
