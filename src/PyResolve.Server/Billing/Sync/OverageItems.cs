using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Sync;

/// <summary>Whether a subscription bills overage. Where it no longer does, the account's limit is removed: nothing goes unbilled.</summary>
internal sealed class OverageItems(Database database, BillingOptions options, PlanCatalog plans)
{
    public static bool Has(StripeSubscription subscription, CatalogPrice price, BillingOptions options) =>
        subscription.Items?.Data.Any(item => item.Price is { } sold && (sold.Id == options.IdOf(price) || sold.LookupKey == price.LookupKey
            // An older price of the same meter: a second item would bill twice.
            || (sold.IsMetered && sold.Product == price.ProductId))) == true;

    /// <summary>Before the plan follows the subscriptions: a new plan begins without overage.</summary>
    public Task CheckAsync(
        string customerId, IReadOnlyList<StripeSubscription> subscriptions, Func<string, string?> planOfPrice,
        CancellationToken cancellationToken)
    {
        if (!options.SellsOverage || PlanRules.InForce(subscriptions).Any(subscription => BillsOwnPlan(subscription, planOfPrice)))
            return Task.CompletedTask;
        return database.ExecuteAsync(
            $"""
            update profiles set overage_limit = null
            where overage_limit is not null and id in (
                select user_id from billing_customers
                where origin = {options.Origin} and customer_id = {customerId} and unlinked_at is null)
            """,
            cancellationToken);
    }

    private bool BillsOwnPlan(StripeSubscription subscription, Func<string, string?> planOfPrice) => (subscription.Items?.Data ?? [])
        .Select(item => item.Price is { } sold ? plans.Find(planOfPrice(sold.Id)) : null)
        .SelectMany(static plan => plan?.Overage?.Prices ?? [])
        .Any(price => Has(subscription, price, options));
}
