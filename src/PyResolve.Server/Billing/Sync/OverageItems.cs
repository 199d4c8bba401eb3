using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Sync;

/// <summary>
/// Whether a subscription bills a plan's overage. Where it no longer does, the account's limit is removed: nothing goes unbilled.
/// </summary>
internal sealed class OverageItems(IStripeGateway stripe, BillingOptions options, PlanCatalog plans, TimeProvider time)
{
    private static readonly TimeSpan CacheTime = TimeSpan.FromMinutes(1);

    private volatile KnownMeters? _known;

    /// <summary>By the meters of their prices: beside an older price of the same meter, a second would bill twice.</summary>
    /// <returns>The subscriptions, with <see cref="StripeSubscription.Bills"/>.</returns>
    public async Task<IReadOnlyList<StripeSubscription>> MarkAsync(
        IReadOnlyList<StripeSubscription> subscriptions, CancellationToken cancellationToken)
    {
        if (!options.SellsOverage || !subscriptions.Any(static one => PlanRules.InvoicesUsage(one) && MetersOf(one).Any()))
            return subscriptions;
        var planOfMeter = await FindMetersAsync(cancellationToken);
        return [.. subscriptions.Select(subscription => subscription with { Bills = BillsOf(subscription, planOfMeter) })];
    }

    /// <summary>As Stripe has the customer's subscriptions now.</summary>
    public async Task<bool> IsBilledAsync(string customerId, string plan, CancellationToken cancellationToken)
    {
        try
        {
            var subscriptions = await stripe.ListSubscriptionsAsync(customerId, cancellationToken);
            return (await MarkAsync(subscriptions, cancellationToken)).Any(subscription => DoesBill(subscription, plan));
        }
        catch (StripeException exception) when (exception.IsMissing)
        {
            return false;
        }
    }

    public static bool DoesBill(StripeSubscription subscription, string plan) =>
        new SubscriptionMemory(Bills: subscription.Bills).BillsOverageOf(plan);

    /// <summary>
    /// In the transaction that writes the plan. A limit whose plan no subscription is for, or none bills, is removed. While an invoice is
    /// unpaid it is stored as a negative number, which allows nothing, and is the same again when it is paid.
    /// </summary>
    /// <param name="session">Has locked the profile.</param>
    /// <param name="userId">Whose.</param>
    /// <param name="subscriptions">Marked.</param>
    /// <param name="planOfPrice">By a price's id.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async Task CheckAsync(
        Session session, Guid userId, IReadOnlyList<StripeSubscription> subscriptions, Func<string, string?> planOfPrice,
        CancellationToken cancellationToken)
    {
        if (!options.SellsOverage)
            return;
        var stored = await session.ListAsync(
            $"""
            select overage_limit, overage_plan from profiles
            where id = {userId} and overage_limit is not null and overage_plan is not null
            """,
            static row => (Limit: row.Int64(0), Plan: row.Text(1)),
            cancellationToken);
        if (stored is not [var (limit, plan)])
            return;
        var billing = subscriptions.Where(
            subscription => DoesBill(subscription, plan) && PlansOf(subscription, planOfPrice).Contains(plan)).ToList();
        long? allowed = billing.Count == 0 ? null : billing.TrueForAll(PlanRules.IsUnpaid) ? -Math.Abs(limit) : Math.Abs(limit);
        if (allowed == limit)
            return;
        await session.ExecuteAsync(
            $"update profiles set overage_limit = {allowed}, overage_plan = {(allowed is null ? null : plan)} where id = {userId}",
            cancellationToken);
    }

    private async Task<Dictionary<string, string>> FindMetersAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        if (_known is { } known && now < known.Until)
            return known.PlanOfMeter;
        var planOfMeter = new Dictionary<string, string>(StringComparer.Ordinal);
        List<Plan> metered = [.. plans.All.Where(static plan => plan.Overage is not null)];
        foreach (var plan in metered)
        {
            if (await stripe.FindMeterAsync(plan.Overage!.Meter, cancellationToken) is { } meter)
                planOfMeter[meter] = plan.Name;
        }

        // One that is missing may be made at any moment.
        _known = planOfMeter.Count == metered.Count ? new KnownMeters(planOfMeter, now + CacheTime) : null;
        return planOfMeter;
    }

    private static string? BillsOf(StripeSubscription subscription, Dictionary<string, string> planOfMeter)
    {
        if (!PlanRules.InvoicesUsage(subscription))
            return null;
        var billed = MetersOf(subscription).Select(meter => planOfMeter.GetValueOrDefault(meter)).OfType<string>()
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal)
            .ToList();
        return billed.Count == 0 ? null : string.Join(' ', billed);
    }

    private static IEnumerable<string> MetersOf(StripeSubscription subscription) =>
        (subscription.Items?.Data ?? []).Select(static item => item.Price?.Recurring?.Meter).OfType<string>();

    private static IEnumerable<string> PlansOf(StripeSubscription subscription, Func<string, string?> planOfPrice) =>
        (subscription.Items?.Data ?? []).Select(item => item.Price is { } sold ? planOfPrice(sold.Id) : null).OfType<string>();

    private sealed record KnownMeters(Dictionary<string, string> PlanOfMeter, DateTimeOffset Until);
}
