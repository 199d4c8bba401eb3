using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Checkout;

/// <summary>
/// Sets how much overage an account allows itself. Before it may use any, its subscription gets the metered price by which it is billed.
/// </summary>
internal sealed class OverageChoice(
    Database database, BillingCustomers customers, CustomerSync sync, IStripeGateway stripe, BillingOptions options, PlanCatalog plans,
    TimeProvider time)
{
    private const string NotAdded = "Stripe did not add overage to the subscription. Try again in an hour.";

    public Task TurnOffAsync(Guid userId, CancellationToken cancellationToken) => database.ExecuteAsync(
        $"update profiles set overage_limit = null, overage_plan = null where id = {userId}", cancellationToken);

    /// <param name="plan">The account's, which may be another than its subscription's.</param>
    /// <param name="units">1 or more.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>Why not; null: it is set.</returns>
    public async Task<string?> SetAsync(Guid userId, Plan plan, long units, CancellationToken cancellationToken)
    {
        if (await EnsureBilledAsync(userId, plan, cancellationToken) is { } refusal)
            return refusal;
        return await database.WriteAsync(session => StoreAsync(session, userId, plan, units, cancellationToken), cancellationToken)
            ? null
            : NotAdded;
    }

    /// <returns>false: no subscription bills it, by what the latest sync has stored.</returns>
    private async Task<bool> StoreAsync(Session session, Guid userId, Plan plan, long units, CancellationToken cancellationToken)
    {
        if (await ProfilePlan.LockAsync(session, userId, cancellationToken) is null)
            return false;
        var (_, state) = await customers.ReadStateAsync(session, userId, options.Origin, cancellationToken);
        return SubscriptionMemories.Read(state.Remembered).Values.Any(memory => memory.BillsOverageOf(plan.Name))
            && await session.ExecuteAsync(
                $"update profiles set overage_limit = {units}, overage_plan = {plan.Name} where id = {userId}", cancellationToken) == 1;
    }

    private async Task<string?> EnsureBilledAsync(Guid userId, Plan plan, CancellationToken cancellationToken)
    {
        const string NoSubscription = "Overage is billed with a subscription, and the account has none that is paid. Subscribe first.";
        if (await customers.FindLinkedAsync(userId, cancellationToken) is not { } customer
            || await sync.RunAsync(customer.Id, cancellationToken) is not { State: { SubscriptionId: { } subscriptionId } state } result
            || result.Subscriptions.FirstOrDefault(one => one.Id == subscriptionId) is not { } subscription)
            return NoSubscription;
        if (subscription.Status == "trialing")
            return "What is used in a trial is not billed, so there is no overage yet. Set the limit when the trial has ended.";
        if (subscription.PauseCollection is not null)
        {
            return "The collection of payments for the subscription is paused, so there is no overage. A limit that was set before counts "
                + "again when collection resumes.";
        }

        if (PlanRules.IsUnpaid(subscription))
            return "The last payment for the subscription has not arrived, so there is no overage. Pay the open invoice first.";
        var paid = plans[state.Plan];
        if (paid.Name != plan.Name)
        {
            return $"The account has the {plan.Name} plan, and its subscription is for the {paid.Name} plan. Overage is billed with a "
                + "subscription for the plan that the account has.";
        }

        if (plan.Overage is not { } overage || overage.Prices.FirstOrDefault(Fits) is not { } price)
            return $"The {plan.Name} plan has no overage.";
        if (options.IdOf(price) is not { } id)
            return $"The overage of the {plan.Name} plan is not for sale: {price.Variable} is not set.";
        if (OverageItems.DoesBill(subscription, plan.Name))
            return null;
        // Stripe refuses a price that a subscription has already.
        if (subscription.Items?.Data.Any(item => item.Price?.Id == id) == true)
            return $"The overage of the {plan.Name} plan cannot be billed at present: its price at Stripe does not count what is used.";
        // By the hour, so that what Stripe refused can be tried again.
        var hour = time.GetUtcNow().ToUnixTimeSeconds() / 3600;
        await stripe.AddMeteredItemAsync(subscriptionId, id, $"ov:{subscriptionId}:{id}:{hour}", cancellationToken);
        // Stripe may have repeated an earlier answer: the item may have been removed since. A sync that fetched before the item was added
        // is older than this one, and cannot remove the limit that is set now.
        return (await sync.RunAsync(customer.Id, cancellationToken))?.Subscriptions.Any(
            one => one.Id == subscriptionId && OverageItems.DoesBill(one, plan.Name)) == true
            ? null
            : NotAdded;

        bool Fits(CatalogPrice price) => price.Interval == (state.Interval ?? "month");
    }
}
