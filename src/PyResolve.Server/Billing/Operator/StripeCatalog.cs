using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Billing.Operator;

internal sealed class StripeCatalog(IStripeGateway stripe, PlanCatalog plans, BillingOptions options)
{
    /// <summary>Makes the prices of the catalogue that are missing. Returns each with what Stripe has for it.</summary>
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

    /// <summary>Makes the missing prices of credits, and of overage with its meters.</summary>
    public async Task<IReadOnlyList<(CatalogPrice Price, StripePrice Made)>> EnsureOtherPricesAsync(
        TextWriter output, CancellationToken cancellationToken)
    {
        var made = new List<(CatalogPrice, StripePrice)>();
        foreach (var plan in plans.All)
        {
            foreach (var price in plan.Overage?.Prices ?? [])
            {
                await EnsureProductAsync(price.ProductId, plan.Title, plan.Name, output, cancellationToken);
                var meter = await stripe.FindMeterAsync(plan.Overage!.Meter, cancellationToken)
                    ?? await stripe.CreateMeterAsync(plan.Overage.Meter, NameOf(plan.Title), cancellationToken);
                made.Add((price, await EnsureAsync(price, price.Interval, meter, output, cancellationToken)));
            }
        }

        foreach (var pack in plans.Packs)
        {
            // No plan of the metadata: these credits grant none.
            await EnsureProductAsync(pack.Price.ProductId, pack.Title, plan: "", output, cancellationToken);
            made.Add((pack.Price, await EnsureAsync(pack.Price, interval: null, meter: null, output, cancellationToken)));
        }

        return made;
    }

    private async Task<StripePrice> EnsureAsync(
        CatalogPrice wanted, string? interval, string? meter, TextWriter output, CancellationToken cancellationToken)
    {
        var set = options.IdOf(wanted) is { } id ? await stripe.FindPriceAsync(id, cancellationToken) : null;
        if (set is { Active: true } && IsAsWanted(set))
            return set;
        // Also beside one that was chosen by hand and charges something else: an earlier run may have made it.
        var made = await stripe.FindPriceByLookupKeyAsync(wanted.LookupKey, cancellationToken);
        if (made is not null && IsAsWanted(made))
            return made;
        if ((set is { Active: true } ? set : made) is { } before)
        {
            var fault = wanted == before.ToCatalog(wanted)
                ? "bills another meter than that of the catalogue"
                : $"charges {before.ToCatalog(wanted)}, in place of {wanted}";
            await output.WriteLineAsync($"# {before.Id} {fault}: a new price replaces it.");
        }

        return await stripe.CreatePriceAsync(
            new NewPrice(wanted.ProductId, wanted.LookupKey, wanted.Amount, wanted.Currency, interval, meter), cancellationToken);

        bool IsAsWanted(StripePrice price) =>
            wanted == price.ToCatalog(wanted) && (meter is null || price.Recurring?.Meter == meter);
    }

    private async Task<StripePrice?> EnsurePriceAsync(CatalogPrice wanted, TextWriter output, CancellationToken cancellationToken)
    {
        var plan = plans[wanted.Plan];
        var price = await FindAsync(wanted, cancellationToken);
        var charged = price?.ToCatalog(wanted);
        // Chosen by hand, and of a product of its own.
        if (price is not null && price.Id == options.IdOf(wanted) && price.Product != wanted.ProductId)
        {
            if (charged != wanted)
            {
                await output.WriteLineAsync(
                    $"# {wanted.Variable} names {price.Id}, which charges {charged}, in place of {wanted}: it stays. Unset "
                    + $"{wanted.Variable}, and run this again for a price of the catalogue.");
            }

            return price;
        }

        await EnsureProductAsync(wanted.ProductId, plan.Title, plan.Name, output, cancellationToken);
        if (charged == wanted)
            return price;
        if (wanted.IsMetered)
        {
            await output.WriteLineAsync(price is null
                ? $"# The {wanted.Plan} plan is sold by what is used. Make a metered price of {wanted.ProductId} in the dashboard, with a "
                    + $"meter, give it the lookup key {wanted.LookupKey} and the metadata plan = {wanted.Plan}, and run this again."
                : $"# {price.Id} has the lookup key {wanted.LookupKey}, but charges {charged}, and the catalogue says {wanted}. Make "
                    + $"another metered price of {wanted.ProductId} that charges this, move the lookup key to it, and run this again; "
                    + "or set the catalogue to what is charged.");
            return null;
        }

        if (price is not null)
        {
            await output.WriteLineAsync(
                $"# {price.Id} charges {charged}, in place of {wanted}: a new price replaces it. Existing subscriptions keep the "
                + "old price and their plan.");
        }

        return await stripe.CreatePriceAsync(
            new NewPrice(wanted.ProductId, wanted.LookupKey, wanted.Amount, wanted.Currency, wanted.Interval), cancellationToken);
    }

    /// <summary>Finds a price at Stripe. What a setting names comes first, so that the portal offers what is sold.</summary>
    private async Task<StripePrice?> FindAsync(CatalogPrice wanted, CancellationToken cancellationToken)
    {
        var set = options.IdOf(wanted) is { } id ? await stripe.FindPriceAsync(id, cancellationToken) : null;
        // One that setup made before is out of date once the catalogue says something else.
        return set is { Active: true } && (set.Product != wanted.ProductId || wanted == set.ToCatalog(wanted))
            ? set
            : await stripe.FindPriceByLookupKeyAsync(wanted.LookupKey, cancellationToken);
    }

    /// <summary>
    /// Makes a product, or its tax code. Without one, Stripe refuses a product where it is the seller, and computes the tax of another
    /// kind.
    /// </summary>
    private async Task EnsureProductAsync(
        string id, string title, string plan, TextWriter output, CancellationToken cancellationToken)
    {
        var (name, taxCode) = (NameOf(title), options.Checkout.TaxCode);
        if (await stripe.FindProductAsync(id, cancellationToken) is not { } product)
        {
            await stripe.CreateProductAsync(new NewProduct(id, name, plan, taxCode), cancellationToken);
            return;
        }

        // Receipts and Stripe's pages say the name. A tax code that was chosen in the dashboard stays.
        var (otherName, noTaxCode) = (product.Name != name, product.TaxCode is null);
        if (otherName || noTaxCode)
            await stripe.UpdateProductAsync(id, otherName ? name : null, noTaxCode ? taxCode : null, cancellationToken);
        if (otherName)
            await output.WriteLineAsync($"# The product {id} was named '{product.Name}': it is named '{name}' now.");
    }

    /// <summary>The name of a product, as receipts show it.</summary>
    public string NameOf(string title) => $"{options.ProductName} {title}";

    /// <summary>
    /// Makes the portal's configuration, in which everyone chooses among the public plans alone. A configuration that an older version
    /// made, or for another catalogue, is made what a new one would be, and keeps its id.
    /// </summary>
    public async Task<StripePortalConfiguration> EnsurePortalAsync(
        IReadOnlyList<(CatalogPrice Price, StripePrice Made)> prices, string returnUrl, TextWriter output,
        CancellationToken cancellationToken)
    {
        var shown = prices.Where(price => plans[price.Price.Plan].IsPublic).Select(static price => price.Made);
        var contents = PortalContents.Of(shown, returnUrl, options);
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
