using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Checkout;

/// <summary>
/// How much overage an account allows itself. Before it may use any, its subscription gets the metered price by which it is billed.
/// </summary>
internal sealed class OverageChoice(
    Database database, BillingCustomers customers, CustomerSync sync, IStripeGateway stripe, BillingOptions options, PlanCatalog plans,
    TimeProvider time)
{
    /// <returns>Why not; null: it is set.</returns>
    public async Task<string?> SetAsync(Guid userId, long units, CancellationToken cancellationToken)
    {
        if (units > 0 && await EnsureBilledAsync(userId, cancellationToken) is { } refusal)
            return refusal;
        await database.ExecuteAsync(
            $"update profiles set overage_limit = {(units == 0 ? null : (long?)units)} where id = {userId}", cancellationToken);
        return null;
    }

    private async Task<string?> EnsureBilledAsync(Guid userId, CancellationToken cancellationToken)
    {
        const string NoSubscription = "Overage is billed with a subscription, and the account has none that is paid. Subscribe first.";
        if (await customers.FindLinkedAsync(userId, cancellationToken) is not { } customer
            || await sync.RunAsync(customer.Id, cancellationToken) is not { State: { SubscriptionId: { } subscriptionId } state } result
            || result.Subscriptions.FirstOrDefault(one => one.Id == subscriptionId) is not { } subscription)
            return NoSubscription;
        var plan = plans[state.Plan];
        if (plan.Overage?.Prices.FirstOrDefault(price => price.Interval == (state.Interval ?? "month")) is not { } price)
            return $"The {plan.Name} plan has no overage.";
        if (options.IdOf(price) is not { } id)
            return $"The overage of the {plan.Name} plan is not for sale: {price.Variable} is not set.";
        if (OverageItems.Has(subscription, price, options))
            return null;
        // By the hour, so that what Stripe refused can be tried again.
        var hour = time.GetUtcNow().ToUnixTimeSeconds() / 3600;
        await stripe.AddMeteredItemAsync(subscriptionId, id, $"ov:{subscriptionId}:{id}:{hour}", cancellationToken);
        return null;
    }
}
