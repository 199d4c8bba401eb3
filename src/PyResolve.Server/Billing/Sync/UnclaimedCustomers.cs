using System.Diagnostics.Metrics;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Sync;

internal sealed record UnclaimedCustomer(string CustomerId, string SubscriptionId, string Plan, DateTimeOffset FirstSeenAt);

/// <summary>Customers who pay for a plan and belong to no account, for example by a payment link: somebody paid and has nothing.</summary>
internal sealed partial class UnclaimedCustomers(
    Database database, PriceMap prices, PlanCatalog plans, IStripeGateway stripe, BillingOptions options, TimeProvider time,
    ILogger<UnclaimedCustomers> logger)
{
    private static readonly Meter Meter = new("PyResolve.Server");

    private static readonly Counter<long> Found = Meter.CreateCounter<long>(
        "pyresolve.billing.unclaimed_customers", "{customer}", "Customers who pay for a plan and belong to no account");

    private readonly string _origin = options.Origin;

    /// <returns>Whether the customer pays for a plan.</returns>
    public async Task<bool> NoteAsync(string customerId, CancellationToken cancellationToken)
    {
        try
        {
            return await NoteAsync(customerId, await stripe.ListSubscriptionsAsync(customerId, cancellationToken), cancellationToken);
        }
        catch (StripeException exception) when (exception.IsMissing)
        {
            return false;
        }
    }

    public async Task<bool> NoteAsync(
        string customerId, IReadOnlyList<StripeSubscription> subscriptions, CancellationToken cancellationToken)
    {
        var planOfPrice = await prices.ResolveAsync(subscriptions, cancellationToken);
        var now = time.GetInstant();
        var terms = new PlanTerms(plans, options.Grace, options.UnknownPriceTime);
        var state = PlanRules.ChooseState(subscriptions, planOfPrice, BillingState.None, terms, now);
        if (state.Plan == BillingState.None.Plan)
            return false;
        var isNew = await database.ExecuteAsync(
            $"""
            insert into billing_unclaimed (origin, customer_id, subscription_id, plan, first_seen_at, last_seen_at)
            values ({_origin}, {customerId}, {state.SubscriptionId}, {state.Plan}, {now}, {now})
            on conflict do nothing
            """,
            cancellationToken) == 1;
        if (isNew)
        {
            Found.Add(1);
            Log.Unclaimed(logger, customerId, state.Plan, state.SubscriptionId);
            return true;
        }

        await database.ExecuteAsync(
            $"""
            update billing_unclaimed set subscription_id = {state.SubscriptionId}, plan = {state.Plan}, last_seen_at = {now}
            where origin = {_origin} and customer_id = {customerId}
            """,
            cancellationToken);
        return true;
    }

    public Task<List<UnclaimedCustomer>> ListAsync(CancellationToken cancellationToken) => database.ListAsync(
        $"""
        select customer_id, subscription_id, plan, first_seen_at from billing_unclaimed
        where origin = {_origin}
        order by first_seen_at, customer_id
        """,
        static row => new UnclaimedCustomer(row.Text(0), row.Text(1), row.Text(2), row.Instant(3)),
        cancellationToken);

    /// <summary>Removes customers that a full reconciliation did not see since it began.</summary>
    public Task<int> RemoveUnseenAsync(DateTimeOffset since, CancellationToken cancellationToken) => database.ExecuteAsync(
        $"delete from billing_unclaimed where origin = {_origin} and last_seen_at < {since}", cancellationToken);

    private static partial class Log
    {
        [LoggerMessage(
            1, LogLevel.Warning,
            "Customer {CustomerId} pays for the {Plan} plan (subscription {SubscriptionId}), and no account has this customer: see "
            + "'stripe unclaimed'")]
        public static partial void Unclaimed(ILogger logger, string customerId, string plan, string? subscriptionId);
    }
}
