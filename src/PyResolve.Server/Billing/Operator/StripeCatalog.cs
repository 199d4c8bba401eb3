using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Billing.Operator;

internal sealed class StripeCatalog(IStripeGateway stripe, PlanCatalog plans)
{
    public async Task<StripePrice> EnsurePriceAsync(string plan, TextWriter output, CancellationToken cancellationToken)
    {
        var name = PriceMap.NameOf(plan);
        var wanted = plans[plan].Price!;
        var product = await stripe.FindProductAsync(name, cancellationToken)
            ?? await stripe.CreateProductAsync(
                new NewProduct(name, $"PyResolve {char.ToUpperInvariant(plan[0])}{plan[1..]}", plan), cancellationToken);
        var price = await stripe.FindPriceByLookupKeyAsync(name, cancellationToken);
        if ((price?.UnitAmount, price?.Currency, price?.Recurring?.Interval) == (wanted.Amount, wanted.Currency, wanted.Interval))
            return price!;
        if (price is not null)
        {
            await output.WriteLineAsync(
                $"# {price.Id} has another amount: a new price replaces it. Existing subscriptions keep the old price and their plan.");
        }

        return await stripe.CreatePriceAsync(
            new NewPrice(product.Id, name, wanted.Amount, wanted.Currency, wanted.Interval), cancellationToken);
    }

    public async Task<StripePortalConfiguration> EnsurePortalAsync(
        IReadOnlyList<StripePrice> prices, string returnUrl, CancellationToken cancellationToken)
    {
        var mark = StripeGateway.PortalMarkFor(prices);
        var all = await stripe.ListPortalConfigurationsAsync(cancellationToken);
        return all.FirstOrDefault(configuration => configuration.Metadata?.GetValueOrDefault("made_by") == mark)
            ?? await stripe.CreatePortalConfigurationAsync(prices, returnUrl, cancellationToken);
    }
}
