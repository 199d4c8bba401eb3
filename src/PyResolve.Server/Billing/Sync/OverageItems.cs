using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Sync;

/// <summary>
/// Finds whether a subscription bills a plan's overage. Where it no longer does, the account's limit is removed: nothing goes unbilled.
/// </summary>
internal sealed class OverageItems(IStripeGateway stripe, BillingOptions options, PlanCatalog plans, TimeProvider time)
{
    private static readonly TimeSpan CacheTime = TimeSpan.FromMinutes(1);

    private volatile KnownMeters? _known;

    /// <summary>
    /// Marks the plans whose overage each subscription bills, by the meters of their prices: beside an older price of the same meter, a
    /// second would bill twice.
    /// </summary>
    /// <returns>The subscriptions, with <see cref="StripeSubscription.Bills"/>.</returns>
    public async Task<IReadOnlyList<StripeSubscription>> MarkAsync(
        IReadOnlyList<StripeSubscription> subscriptions, CancellationToken cancellationToken)
    {
        if (!options.SellsOverage || !subscriptions.Any(static one => PlanRules.InvoicesUsage(one) && MetersOf(one).Any()))
            return subscriptions;
        var plansOfMeter = await FindMetersAsync(cancellationToken);
        return [.. subscriptions.Select(subscription => subscription with { Bills = BillsOf(subscription, plansOfMeter) })];
    }

    /// <summary>Lists the customer's subscriptions as Stripe has them now, marked.</summary>
    public async Task<IReadOnlyList<StripeSubscription>> ListAsync(string customerId, CancellationToken cancellationToken)
    {
        try
        {
            return await MarkAsync(await stripe.ListSubscriptionsAsync(customerId, cancellationToken), cancellationToken);
        }
        catch (StripeException exception) when (exception.IsMissing)
        {
            return [];
        }
    }

    public static bool DoesBill(StripeSubscription subscription, string plan) =>
        new SubscriptionMemory(Bills: subscription.Bills).BillsOverageOf(plan);

    /// <summary>
    /// Checks the limit in the transaction that writes the plan. A limit whose plan no subscription is for, or none bills, is removed.
    /// While an invoice is unpaid, or collection is paused, it is stored as a negative number, which allows nothing, and is the same again
    /// afterwards; so it is between the end that was set for a subscription and Stripe's word that it has ended.
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
        var ofPlan = subscriptions.Where(subscription => PlansOf(subscription, planOfPrice).Contains(plan)).ToList();
        var billing = ofPlan.FindAll(subscription => DoesBill(subscription, plan));
        // While its invoices are voided, a subscription bills nothing.
        var comesBack = billing.Count > 0 || PlanRules.InForce(ofPlan).Any(static subscription => subscription.PauseCollection is not null);
        var now = time.GetInstant();
        var isAllowed = billing.Exists(subscription => !PlanRules.IsUnpaid(subscription) && !IsPastEnd(subscription, now));
        long? allowed = !comesBack ? null : isAllowed ? Math.Abs(limit) : -Math.Abs(limit);
        if (allowed == limit)
            return;
        await session.ExecuteAsync(
            $"update profiles set overage_limit = {allowed}, overage_plan = {(allowed is null ? null : plan)} where id = {userId}",
            cancellationToken);
    }

    /// <summary>Finds the plans by the ids of their meters. Several may share one, each with prices of its own.</summary>
    private async Task<ILookup<string, string>> FindMetersAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        if (_known is { } known && now < known.Until)
            return known.PlansOfMeter;
        List<Plan> metered = [.. plans.All.Where(static plan => plan.Overage is not null)];
        var found = new List<(string Meter, string Plan)>();
        foreach (var sharing in metered.GroupBy(static plan => plan.Overage!.Meter, StringComparer.Ordinal))
        {
            if (await stripe.FindMeterAsync(sharing.Key, cancellationToken) is { } meter)
                found.AddRange(sharing.Select(plan => (meter, plan.Name)));
        }

        var plansOfMeter = found.ToLookup(static pair => pair.Meter, static pair => pair.Plan, StringComparer.Ordinal);
        // One that is missing may be made at any moment.
        _known = found.Count == metered.Count ? new KnownMeters(plansOfMeter, now + CacheTime) : null;
        return plansOfMeter;
    }

    private static string? BillsOf(StripeSubscription subscription, ILookup<string, string> plansOfMeter)
    {
        if (!PlanRules.InvoicesUsage(subscription))
            return null;
        var billed = MetersOf(subscription).SelectMany(meter => plansOfMeter[meter])
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal)
            .ToList();
        return billed.Count == 0 ? null : string.Join(' ', billed);
    }

    private static bool IsPastEnd(StripeSubscription subscription, DateTimeOffset now) =>
        subscription.CancelAt <= now
        || (subscription.CancelAtPeriodEnd
            && ((subscription.Items?.Data ?? []).Max(static item => item.CurrentPeriodEnd) ?? subscription.CurrentPeriodEnd) <= now);

    private static IEnumerable<string> MetersOf(StripeSubscription subscription) =>
        (subscription.Items?.Data ?? []).Select(static item => item.Price?.Recurring?.Meter).OfType<string>();

    private static IEnumerable<string> PlansOf(StripeSubscription subscription, Func<string, string?> planOfPrice) =>
        (subscription.Items?.Data ?? []).Select(item => item.Price is { } sold ? planOfPrice(sold.Id) : null).OfType<string>();

    private sealed record KnownMeters(ILookup<string, string> PlansOfMeter, DateTimeOffset Until);
}
