using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Plans;
using PyResolve.Server.Quota;

namespace PyResolve.Server.Billing.Operator;

/// <summary>What is sold, at Stripe: a product and a price for each plan, and a portal that switches between them. Makes what is not there yet.</summary>
internal sealed class StripeCatalog(IStripeGateway stripe, PlanCatalog plans)
{
    public async Task<StripePrice> EnsurePriceAsync(string plan, TextWriter output, CancellationToken cancellationToken)
    {
        var name = PriceMap.NameOf(plan);
        var wanted = plans[plan].Price!;
        var product = await stripe.FindProductAsync(name, cancellationToken)
            ?? await stripe.CreateProductAsync(new NewProduct(name, $"PyResolve {char.ToUpperInvariant(plan[0])}{plan[1..]}", plan), cancellationToken);
        var price = await stripe.FindPriceByLookupKeyAsync(name, cancellationToken);
        if (price is not null && price.UnitAmount == wanted.Amount && price.Currency == wanted.Currency && price.Recurring?.Interval == wanted.Interval)
            return price;
        if (price is not null)
            await output.WriteLineAsync($"# {price.Id} has another amount: a new price takes its place. Who subscribed by the old one keeps it, and the plan.");
        return await stripe.CreatePriceAsync(new NewPrice(product.Id, name, wanted.Amount, wanted.Currency, wanted.Interval), cancellationToken);
    }

    public async Task<StripePortalConfiguration> EnsurePortalAsync(IReadOnlyList<StripePrice> prices, string returnUrl, CancellationToken cancellationToken)
    {
        var mark = StripeGateway.PortalMarkFor(prices);
        var all = await stripe.ListPortalConfigurationsAsync(cancellationToken);
        return all.FirstOrDefault(configuration => configuration.Metadata?.GetValueOrDefault("made_by") == mark)
            ?? await stripe.CreatePortalConfigurationAsync(prices, returnUrl, cancellationToken);
    }
}
