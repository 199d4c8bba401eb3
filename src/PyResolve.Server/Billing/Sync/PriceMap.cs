using System.Collections.Concurrent;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Plans;
using PyResolve.Server.Quota;

namespace PyResolve.Server.Billing.Sync;

/// <summary>
/// Which plan a price stands for: by its id as configured, else by its lookup key, else by its product's metadata <c>plan</c>. Nothing
/// else grants a plan. Thread-safe.
/// </summary>
internal sealed class PriceMap(BillingOptions options, IStripeGateway stripe, TimeProvider time)
{
    /// <summary>How long a product's answer is believed.</summary>
    private static readonly TimeSpan Remembered = TimeSpan.FromMinutes(5);

    private readonly Dictionary<string, string> _byId = options.Prices.ToDictionary(price => price.Value, price => price.Key, StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, (string? Plan, DateTimeOffset Until)> _byProduct = new(StringComparer.Ordinal);

    /// <summary>The lookup key and the product id that <c>stripe setup</c> gives a plan.</summary>
    public static string NameOf(string plan) => $"pyresolve_{plan}";

    /// <summary>Looks up the plans of all prices in <paramref name="subscriptions"/>.</summary>
    /// <returns>Finds a price's plan by its id.</returns>
    public async Task<Func<string, string?>> ResolveAsync(IEnumerable<StripeSubscription> subscriptions, CancellationToken cancellationToken)
    {
        var plans = new Dictionary<string, string?>(StringComparer.Ordinal);
        var prices = PlanRules.InForce(subscriptions)
            .SelectMany(static subscription => subscription.Items?.Data ?? [])
            .Select(static item => item.Price)
            .OfType<StripePrice>();
        foreach (var price in prices)
        {
            if (!plans.ContainsKey(price.Id))
                plans[price.Id] = PlanOf(price) ?? await PlanOfProductAsync(price.Product, cancellationToken);
        }

        return id => plans.GetValueOrDefault(id);
    }

    private string? PlanOf(StripePrice price) =>
        _byId.GetValueOrDefault(price.Id) ?? PlanCatalog.Sold.FirstOrDefault(plan => NameOf(plan) == price.LookupKey);

    private async Task<string?> PlanOfProductAsync(string? productId, CancellationToken cancellationToken)
    {
        if (productId is null)
            return null;
        var now = time.GetUtcNow();
        if (_byProduct.TryGetValue(productId, out var known) && now < known.Until)
            return known.Plan;
        var product = await stripe.FindProductAsync(productId, cancellationToken);
        var plan = product?.Metadata?.GetValueOrDefault("plan") is { } named && PlanCatalog.Sold.Contains(named, StringComparer.Ordinal) ? named : null;
        _byProduct[productId] = (plan, now + Remembered);
        return plan;
    }
}
