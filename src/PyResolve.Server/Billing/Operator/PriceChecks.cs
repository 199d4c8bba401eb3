using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Billing.Operator;

/// <summary>
/// Checks whether Stripe sells what the catalogue shows, at what it shows, and under its name. Each answer names the remedy.
/// </summary>
internal sealed class PriceChecks(
    IStripeGateway stripe, StripeCatalog catalog, PlanCatalog plans, BillingOptions options, BillingLinks links)
{
    /// <summary>The products that setup makes, each with the title of what it sells.</summary>
    public IEnumerable<(string Id, string Title)> Products => plans.Sold
        .Select(static plan => (plan.Prices[0].ProductId, plan.Title))
        .Concat(plans.Packs.Select(static pack => (pack.Price.ProductId, pack.Title)));

    public async Task<(bool IsProblem, string Text)> CheckAsync(CatalogPrice wanted, CancellationToken cancellationToken)
    {
        var (variable, mode) = (wanted.Variable, options.IsLive ? "live" : "test");
        if (options.IdOf(wanted) is not { } id)
            return (true, $"{variable} is not set: {NameOf(wanted)} is not for sale. 'stripe setup' creates one and prints the setting.");
        var price = await stripe.FindPriceAsync(id, cancellationToken);
        if (price is null)
            return (true, $"{variable} names {id}, which does not exist in {mode} mode. Is the key of the other mode?");
        if (!price.Active)
            return (true, $"{variable} names {id}, which is archived: no new subscription can use it.");
        if (price.Livemode != options.IsLive)
            return (true, $"{variable} names {id}, which is not of {mode} mode.");
        var charged = price.ToCatalog(wanted);
        if (charged == wanted)
            return (false, $"{NameOf(wanted, isFirst: true)} is sold by {id}, for what /plans shows: {charged}.");
        var settings = SettingsFor(wanted, charged) is { } changes ? $"Set {changes}; or unset" : "Unset";
        return (true,
            $"/plans shows {wanted} for {NameOf(wanted)}, but {id} charges {charged}. {settings} {variable}, and run 'stripe setup'.");
    }

    /// <summary>Checks a price of credits or overage.</summary>
    public async Task<(bool IsProblem, string Text)> CheckOtherAsync(CatalogPrice wanted, CancellationToken cancellationToken)
    {
        if (options.IdOf(wanted) is not { } id)
            return (true, $"{wanted.Variable} is not set, so it is not for sale. 'stripe setup' creates a price and prints the setting.");
        var price = await stripe.FindPriceAsync(id, cancellationToken);
        var charged = price?.ToCatalog(wanted);
        var remedy = $"Unset {wanted.Variable}, and run 'stripe setup'.";
        if (charged == wanted && plans.All.FirstOrDefault(plan => plan.Overage?.Prices.Contains(wanted) == true)?.Overage is { } overage
            && (price!.Recurring?.Meter is not { } counted || counted != await stripe.FindMeterAsync(overage.Meter, cancellationToken)))
        {
            return (true,
                $"{wanted.Variable} names {id}, which bills another meter than {overage.Meter}: what is used comes onto no invoice. "
                + remedy);
        }

        return (price, charged) switch
        {
            (null, _) => (true, $"{wanted.Variable} names {id}, which does not exist. {remedy}"),
            ({ Active: false }, _) => (true, $"{wanted.Variable} names {id}, which is archived: nobody can buy by it. {remedy}"),
            _ when charged != wanted => (true, $"{wanted.Variable} names {id}, which charges {charged}, in place of {wanted}. {remedy}"),
            _ => (false, $"{wanted.Variable} names {id}, which charges {charged}."),
        };
    }

    /// <summary>
    /// Tries whether Stripe sells at a price, which only Stripe knows: that depends on settings of the account, such as for taxes.
    /// </summary>
    public Task<(bool IsProblem, string Text)> TryAsync(CatalogPrice price, CancellationToken cancellationToken)
    {
        var plan = plans[price.Plan];
        var checkout = new NewCheckout(
            Guid.Empty, CustomerId: null, options.IdOf(price)!, links.CheckoutCancelled, links.CheckoutCancelled, Attempt: 1)
        {
            Quantity = price.IsMetered ? null : 1,
            TrialDays = plan.TrialDays,
            TrialNeedsCard = plan.TrialNeedsCard,
        };
        return TryAsync(NameOf(price), () => stripe.TryCheckoutAsync(checkout, cancellationToken));
    }

    public Task<(bool IsProblem, string Text)> TryAsync(CreditPack pack, CancellationToken cancellationToken)
    {
        var purchase = new NewPurchase(
            Guid.Empty, CustomerId: null, options.IdOf(pack.Price)!, links.CheckoutCancelled, links.CheckoutCancelled)
        {
            Units = pack.Units,
            ValidDays = pack.ValidDays,
        };
        return TryAsync($"the credits {pack.Name}", () => stripe.TryPurchaseAsync(purchase, cancellationToken));
    }

    /// <summary>Checks the name that receipts and Stripe's pages show. A product that is not there is found by its price.</summary>
    public async Task<(bool IsProblem, string Text)> CheckNameAsync(string id, string title, CancellationToken cancellationToken)
    {
        var (product, name) = (await stripe.FindProductAsync(id, cancellationToken), catalog.NameOf(title));
        return product is null || product.Name == name
            ? (false, $"The product {id} has the name of the catalogue.")
            : (true, $"Receipts say '{product.Name}' (the product {id}), in place of '{name}'. 'stripe setup' gives it that name.");
    }

    /// <summary>Checks whether customers can change among the public plans, and to nothing else of ours.</summary>
    /// <returns>What follows the portal's name; null: nothing is wrong.</returns>
    public string? FindPortalFault(StripePortalConfiguration portal)
    {
        var sold = options.Prices.ToLookup(sold => plans[sold.Price.Plan].IsPublic);
        if (!portal.SwitchesPlans)
        {
            return sold[true].Skip(1).Any()
                ? "lets nobody change to another plan, and several are sold. 'stripe setup' makes one that does, and prints the setting."
                : null;
        }

        var missing = sold[true].Where(price => !portal.Prices.Contains(price.Id)).Select(Describe).ToList();
        var needless = sold[false].Where(price => portal.Prices.Contains(price.Id)).Select(Describe).ToList();
        return (missing, needless) switch
        {
            ([_, ..], _) => $"does not offer {string.Join(", ", missing)}: nobody can change to it. 'stripe setup' brings a portal that it "
                + "made up to date.",
            (_, [_, ..]) => $"offers {string.Join(", ", needless)} to everyone, though that plan is not public. 'stripe setup' takes it "
                + "out of a portal that it made.",
            _ => null,
        };

        static string Describe(SoldPrice price) => $"{price.Id} ({price.Price.Variable})";
    }

    private static async Task<(bool IsProblem, string Text)> TryAsync(string what, Func<Task> tryAsync)
    {
        try
        {
            await tryAsync();
            return (false, $"A checkout of {what} was opened and closed.");
        }
        catch (StripeException exception) when (exception is { IsTransient: false, Status: not StatusCodes.Status403Forbidden })
        {
            return (true, $"Stripe refuses every checkout of {what}. {exception.Message}");
        }
    }

    /// <summary>The settings by which the catalogue says what is charged.</summary>
    /// <returns>null: there are none for it.</returns>
    private static string? SettingsFor(CatalogPrice wanted, CatalogPrice charged)
    {
        var isOwnSection = wanted.Section != "Price";
        // Its interval is part of the section's name, and a section without one has no metered price.
        if (isOwnSection ? wanted.Interval != charged.Interval : wanted.IsMetered != charged.IsMetered)
            return null;
        var section = $"PyResolve:Plans:{wanted.Plan}:{wanted.Section}";
        var changes = new List<string>();
        if (wanted.Amount != charged.Amount)
            changes.Add($"{section}:Amount to {charged.Amount}");
        if (wanted.Currency != charged.Currency)
            changes.Add($"{section}:Currency to {charged.Currency}");
        if (wanted.Interval != charged.Interval)
            changes.Add($"{section}:Interval to {charged.Interval}");
        if (wanted.IsMetered != charged.IsMetered)
            changes.Add($"{section}:Metered to {(charged.IsMetered ? "true" : "false")}");
        return string.Join(" and ", changes);
    }

    private static string NameOf(CatalogPrice price, bool isFirst = false)
    {
        var name = $"{(isFirst ? "The" : "the")} {price.Plan} plan";
        return price.IsNamedByInterval ? $"{name} by the {price.Interval}" : name;
    }
}
