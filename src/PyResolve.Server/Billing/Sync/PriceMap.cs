using System.Collections.Concurrent;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Billing.Sync;

/// <summary>
/// Finds the plan of a price: by its configured id, else its lookup key, else <c>plan</c> of its own metadata, else of its product's.
/// Nothing else grants a plan.
/// </summary>
internal sealed class PriceMap(BillingOptions options, PlanCatalog plans, IStripeGateway stripe, TimeProvider time)
{
    private static readonly TimeSpan ProductCacheTime = TimeSpan.FromMinutes(5);

    private readonly Dictionary<string, string> _byId =
        options.Prices.ToDictionary(static sold => sold.Id, static sold => sold.Price.Plan, StringComparer.Ordinal);
    private readonly Dictionary<string, string> _byLookupKey =
        plans.Prices.ToDictionary(static price => price.LookupKey, static price => price.Plan, StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, (string? Plan, DateTimeOffset Until)> _byProduct = new(StringComparer.Ordinal);

    public Task<Func<string, string?>> ResolveAsync(
        IEnumerable<StripeSubscription> subscriptions, CancellationToken cancellationToken) =>
        ResolveAsync(subscriptions, asksForEnded: false, cancellationToken);

    /// <param name="subscriptions">Of a customer.</param>
    /// <param name="asksForEnded">Whether to ask also for the products of ended ones, of which there may be many.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async Task<Func<string, string?>> ResolveAsync(
        IEnumerable<StripeSubscription> subscriptions, bool asksForEnded, CancellationToken cancellationToken)
    {
        var found = new Dictionary<string, string?>(StringComparer.Ordinal);
        var all = subscriptions.ToList();
        foreach (var price in PlanRules.InForce(all).SelectMany(PricesOf))
        {
            if (!found.ContainsKey(price.Id))
                found[price.Id] = await FindPlanAsync(price, cancellationToken);
        }

        // A schedule names its prices by their ids alone.
        foreach (var id in PlanRules.InForce(all).SelectMany(static subscription => subscription.NextPhase?.Prices ?? []))
        {
            if (!found.ContainsKey(id))
                found[id] = _byId.GetValueOrDefault(id) ?? await FindPlanAsync(id, cancellationToken);
        }

        // Last: what is not asked for here must not hide what was.
        foreach (var price in all.Where(PlanRules.IsOver).SelectMany(PricesOf))
        {
            if (!found.ContainsKey(price.Id))
                found[price.Id] = asksForEnded ? await FindPlanAsync(price, cancellationToken) : PlanOf(price);
        }

        return id => found.GetValueOrDefault(id);
    }

    public async Task<bool> HasPlanAsync(StripeSubscription subscription, CancellationToken cancellationToken)
    {
        foreach (var price in PricesOf(subscription))
        {
            if (await FindPlanAsync(price, cancellationToken) is not null)
                return true;
        }

        return false;
    }

    private static IEnumerable<StripePrice> PricesOf(StripeSubscription subscription) =>
        (subscription.Items?.Data ?? []).Select(static item => item.Price).OfType<StripePrice>();

    /// <summary>
    /// Finds the plan of a price. A metered price is an extra of the product's plan, unless it names the plan or is the one that it is sold
    /// by.
    /// </summary>
    private async Task<string?> FindPlanAsync(StripePrice price, CancellationToken cancellationToken) =>
        PlanOf(price) ?? (price.IsMetered ? null : await PlanOfProductAsync(price.Product, cancellationToken));

    private async Task<string?> FindPlanAsync(string priceId, CancellationToken cancellationToken) =>
        await stripe.FindPriceAsync(priceId, cancellationToken) is { } price ? await FindPlanAsync(price, cancellationToken) : null;

    private string? PlanOf(StripePrice price) =>
        _byId.GetValueOrDefault(price.Id)
        ?? (price.LookupKey is { } key ? _byLookupKey.GetValueOrDefault(key) : null)
        ?? Known(price.Plan);

    private string? Known(string? named) => plans.Find(named) is { IsFree: false } found ? found.Name : null;

    private async Task<string?> PlanOfProductAsync(string? productId, CancellationToken cancellationToken)
    {
        if (productId is null)
            return null;
        var now = time.GetUtcNow();
        if (_byProduct.TryGetValue(productId, out var known) && now < known.Until)
            return known.Plan;
        var product = await stripe.FindProductAsync(productId, cancellationToken);
        var plan = Known(product?.Metadata?.GetValueOrDefault("plan"));
        _byProduct[productId] = (plan, now + ProductCacheTime);
        return plan;
    }
}
