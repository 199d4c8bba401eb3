using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Billing.Operator;

internal sealed class StripeCatalog(IStripeGateway stripe, PlanCatalog plans, BillingOptions options)
{
    /// <summary>Prices of the catalogue, each with what Stripe has for it.</summary>
    public async Task<IReadOnlyList<(CatalogPrice Price, StripePrice Made)>> EnsurePricesAsync(
        TextWriter output, CancellationToken cancellationToken)
    {
        var made = new List<(CatalogPrice, StripePrice)>();
        foreach (var price in plans.Prices)
        {
            if (await EnsurePriceAsync(price, output, cancellationToken) is { } found)
                made.Add((price, found));
        }

        return made;
    }

    /// <summary>Prices of credits, and of overage with its meters.</summary>
    public async Task<IReadOnlyList<(CatalogPrice Price, StripePrice Made)>> EnsureOtherPricesAsync(
        TextWriter output, CancellationToken cancellationToken)
    {
        var made = new List<(CatalogPrice, StripePrice)>();
        foreach (var plan in plans.All)
        {
            foreach (var price in plan.Overage?.Prices ?? [])
            {
                await EnsureProductAsync(price.ProductId, plan.Title, plan.Name, cancellationToken);
                var meter = await stripe.FindMeterAsync(plan.Overage!.Meter, cancellationToken)
                    ?? await stripe.CreateMeterAsync(plan.Overage.Meter, $"{options.ProductName} {plan.Title}", cancellationToken);
                made.Add((price, await EnsureAsync(price, price.Interval, meter, output, cancellationToken)));
            }
        }

        foreach (var pack in plans.Packs)
        {
            // No plan of the metadata: these credits grant none.
            await EnsureProductAsync(pack.Price.ProductId, pack.Title, plan: "", cancellationToken);
            made.Add((pack.Price, await EnsureAsync(pack.Price, interval: null, meter: null, output, cancellationToken)));
        }

        return made;
    }

    private async Task<StripePrice> EnsureAsync(
        CatalogPrice wanted, string? interval, string? meter, TextWriter output, CancellationToken cancellationToken)
    {
        var price = await stripe.FindPriceByLookupKeyAsync(wanted.LookupKey, cancellationToken);
        if (wanted.Equals(price?.ToCatalog(wanted)))
            return price!;
        if (price is not null)
            await output.WriteLineAsync($"# {price.Id} has another amount: a new price replaces it.");
        return await stripe.CreatePriceAsync(
            new NewPrice(wanted.ProductId, wanted.LookupKey, wanted.Amount, wanted.Currency, interval, meter), cancellationToken);
    }

    private async Task<StripePrice?> EnsurePriceAsync(CatalogPrice wanted, TextWriter output, CancellationToken cancellationToken)
    {
        var plan = plans[wanted.Plan];
        var product = await EnsureProductAsync(wanted.ProductId, plan.Title, plan.Name, cancellationToken);
        var price = await stripe.FindPriceByLookupKeyAsync(wanted.LookupKey, cancellationToken);
        if (wanted.Equals(price?.ToCatalog(wanted)))
            return price!;
        if (wanted.IsMetered)
        {
            await output.WriteLineAsync(
                $"# The {wanted.Plan} plan is sold by what is used. Make a metered price of {product.Id} in the dashboard, with a meter, "
                + $"give it the lookup key {wanted.LookupKey}, and run this again.");
            return null;
        }

        if (price is not null)
        {
            await output.WriteLineAsync(
                $"# {price.Id} has another amount: a new price replaces it. Existing subscriptions keep the old price and their plan.");
        }

        return await stripe.CreatePriceAsync(
            new NewPrice(product.Id, wanted.LookupKey, wanted.Amount, wanted.Currency, wanted.Interval), cancellationToken);
    }

    /// <summary>Without a tax code, Stripe refuses a product where it is the seller, and computes the tax of another kind.</summary>
    private async Task<StripeProduct> EnsureProductAsync(string id, string title, string plan, CancellationToken cancellationToken)
    {
        var taxCode = options.Checkout.TaxCode;
        if (await stripe.FindProductAsync(id, cancellationToken) is not { } product)
        {
            return await stripe.CreateProductAsync(
                new NewProduct(id, $"{options.ProductName} {title}", plan, taxCode), cancellationToken);
        }

        // What was chosen in the dashboard stays.
        return product.TaxCode is null ? await stripe.SetTaxCodeAsync(product.Id, taxCode, cancellationToken) : product;
    }

    /// <summary>One that an older version made, or for another catalogue, is made what a new one would be, and keeps its id.</summary>
    public async Task<StripePortalConfiguration> EnsurePortalAsync(
        IReadOnlyList<StripePrice> prices, string returnUrl, TextWriter output, CancellationToken cancellationToken)
    {
        var contents = PortalContents.Of(prices, returnUrl, options);
        var ours = (await stripe.ListPortalConfigurationsAsync(cancellationToken)).Where(PortalContents.IsMadeBySetup).ToList();
        if (ours.Find(contents.IsIn) is { } current)
            return current;
        var older = ours.Find(configuration => configuration.Id == options.PortalConfiguration) ?? ours.FirstOrDefault();
        if (older is null)
            return await stripe.CreatePortalConfigurationAsync(contents, cancellationToken);
        await output.WriteLineAsync($"# {older.Id} was made by an older version, or for another catalogue: it is brought up to date.");
        return await stripe.UpdatePortalConfigurationAsync(older.Id, contents, cancellationToken);
    }
}
