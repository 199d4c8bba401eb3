using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Ledger;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Sync;

/// <summary>
/// Gives the credits that Stripe says are paid, and takes back what was refunded. An event only says when to look: told twice, late or in
/// another order, it gives the same.
/// </summary>
internal sealed class CreditSync(Database database, IStripeGateway stripe, BillingOptions options, TimeProvider time)
{
    public async Task RunAsync(string customerId, CancellationToken cancellationToken)
    {
        if (!options.HasCredits)
            return;
        foreach (var paid in await stripe.ListPaidCreditsAsync(customerId, cancellationToken))
            await ApplyAsync(customerId, paid, cancellationToken);
    }

    private Task ApplyAsync(string customerId, PaidCredits paid, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            var isOwner = await session.NumberAsync(
                $"""
                select count(*) from billing_customers
                where origin = {options.Origin} and customer_id = {customerId} and user_id = {paid.UserId}
                """,
                cancellationToken) > 0;
            if (!isOwner)
                return;
            var reference = $"{options.Origin}:{paid.SessionId}";
            // From now on, and not from the checkout: a bank debit takes days. It is set once.
            var now = time.GetInstant();
            var until = paid.ValidDays is { } days ? now.AddDays(days) : (DateTimeOffset?)null;
            var credits = new NewCredits(paid.UserId, NewCredits.Purchase, reference, paid.Units, until);
            await CreditGrants.AddAsync(session, credits, now, cancellationToken);
            await CreditGrants.TakeBackAsync(session, paid.UserId, reference, paid.RefundedPercent, cancellationToken);
        },
        cancellationToken);
}
