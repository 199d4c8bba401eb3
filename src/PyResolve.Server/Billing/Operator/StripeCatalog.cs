using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Billing.Operator;

internal sealed class StripeCatalog(IStripeGateway stripe, PlanCatalog plans, BillingOptions options)
{
    public async Task<StripePrice> EnsurePriceAsync(string plan, TextWriter output, CancellationToken cancellationToken)
    {
        var name = PriceMap.NameOf(plan);
        var wanted = plans[plan].Price!;
        var product = await EnsureProductAsync(name, plan, cancellationToken);
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

    /// <summary>Without a tax code, Stripe refuses a product where it is the seller, and computes the tax of another kind.</summary>
    private async Task<StripeProduct> EnsureProductAsync(string name, string plan, CancellationToken cancellationToken)
    {
        var taxCode = options.Checkout.TaxCode;
        if (await stripe.FindProductAsync(name, cancellationToken) is not { } product)
        {
            var title = $"PyResolve {char.ToUpperInvariant(plan[0])}{plan[1..]}";
            return await stripe.CreateProductAsync(new NewProduct(name, title, plan, taxCode), cancellationToken);
        }

        // What was chosen in the dashboard stays.
        return product.TaxCode is null ? await stripe.SetTaxCodeAsync(product.Id, taxCode, cancellationToken) : product;
    }

    /// <summary>One that an older version made, or that is for other prices, is made what a new one would be, and keeps its id.</summary>
    public async Task<StripePortalConfiguration> EnsurePortalAsync(
        IReadOnlyList<StripePrice> prices, string returnUrl, TextWriter output, CancellationToken cancellationToken)
    {
        var ours = (await stripe.ListPortalConfigurationsAsync(cancellationToken)).Where(PortalMark.IsOurs).ToList();
        if (ours.Find(configuration => PortalMark.IsFor(configuration, prices)) is { } current)
            return current;
        var older = ours.Find(configuration => configuration.Id == options.PortalConfiguration) ?? ours.FirstOrDefault();
        if (older is null)
            return await stripe.CreatePortalConfigurationAsync(prices, returnUrl, cancellationToken);
        await output.WriteLineAsync($"# {older.Id} was made by an older version, or for other prices: it is brought up to date.");
        return await stripe.UpdatePortalConfigurationAsync(older.Id, prices, cancellationToken);
    }
}
