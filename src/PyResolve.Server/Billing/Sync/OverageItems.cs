using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Sync;

/// <summary>
/// Whether a subscription bills a plan's overage. Where it no longer does, the account's limit is removed: nothing goes unbilled.
/// </summary>
internal sealed class OverageItems(Database database, IStripeGateway stripe, BillingOptions options, PlanCatalog plans)
{
    public async Task<bool> HasAsync(StripeSubscription subscription, PlanOverage overage, CancellationToken cancellationToken)
    {
        var sold = (subscription.Items?.Data ?? []).Select(static item => item.Price).OfType<StripePrice>().ToList();
        if (sold.Exists(one => overage.Prices.Any(price => one.Id == options.IdOf(price) || one.LookupKey == price.LookupKey)))
            return true;
        // An older price of the same meter bills as well: beside it, a second item would bill twice.
        var meters = sold.Select(static price => price.Recurring?.Meter).OfType<string>().ToList();
        return meters.Count > 0
            && await stripe.FindMeterAsync(overage.Meter, cancellationToken) is { } meter
            && meters.Contains(meter);
    }

    /// <summary>Before the plan follows the subscriptions: a new plan begins without overage.</summary>
    public async Task CheckAsync(
        string customerId, IReadOnlyList<StripeSubscription> subscriptions, Func<string, string?> planOfPrice,
        CancellationToken cancellationToken)
    {
        if (!options.SellsOverage)
            return;
        Sql limited = $"""
            overage_limit is not null and id in (
              select user_id from billing_customers
              where origin = {options.Origin} and customer_id = {customerId} and unlinked_at is null)
            """;
        // Looks first: most syncs find no limit, and ask Stripe and write nothing.
        var found = await database.ReadAsync(
            session => session.NumberAsync($"select count(*) from profiles where {new SqlPart(limited)}", cancellationToken),
            cancellationToken);
        if (found == 0)
            return;
        var billed = new List<string>();
        foreach (var subscription in PlanRules.InForce(subscriptions))
        {
            foreach (var plan in PlansOf(subscription, planOfPrice))
            {
                if (plan.Overage is { } overage && await HasAsync(subscription, overage, cancellationToken))
                    billed.Add(plan.Name);
            }
        }

        await database.WriteAsync(
            session => session.ExecuteAsync(
                $"""
                update profiles set overage_limit = null, overage_plan = null
                where overage_plan not in (select b.plan from {session.Rows("b", billed).With("plan", static plan => plan)})
                  and {new SqlPart(limited)}
                """,
                cancellationToken),
            cancellationToken);
    }

    private IEnumerable<Plan> PlansOf(StripeSubscription subscription, Func<string, string?> planOfPrice) =>
        (subscription.Items?.Data ?? [])
            .Select(item => item.Price is { } sold ? plans.Find(planOfPrice(sold.Id)) : null)
            .OfType<Plan>();
}
