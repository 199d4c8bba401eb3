using PyResolve.Server.Hosting;

namespace PyResolve.Server.Plans;

/// <summary>
/// Reads the settings of credits and overage: <c>PyResolve:Credits:&lt;pack&gt;</c> says what is sold;
/// <c>PyResolve:Plans:&lt;plan&gt;:Credits</c> and <c>:Overage</c> say where it counts.
/// </summary>
internal static class CreditSettings
{
    public const string Section = "PyResolve:Credits";

    private const long MaxUnits = 1_000_000;
    private const int MaxValidDays = 3_650;
    private const long DefaultMaxOverage = 1_000;

    public static Plan Change(Plan plan, IConfigurationSection section)
    {
        var draws = ServerOptions.Flag(section, "Credits") ?? false;
        var overage = ReadOverage(plan, section.GetSection("Overage"));
        if (plan.MigrationsLimit is null && (draws || overage is not null))
        {
            throw new InvalidConfigurationException(
                $"{section.Path} has {(draws ? "Credits" : "Overage")}, and no limit that could be used up. "
                + "Set MigrationsLimit to a number, or unset it.");
        }

        return plan with { DrawsCredits = draws, Overage = overage };
    }

    public static IReadOnlyList<CreditPack> Read(IConfiguration configuration, IReadOnlyList<Plan> plans)
    {
        var packs = configuration.GetSection(Section).GetChildren().Select(ReadPack).ToList();
        if (packs.Count > 0 && !plans.Any(static plan => plan.DrawsCredits))
        {
            throw new InvalidConfigurationException(
                $"{Section} sells credits that no plan draws on. Set {PlanSettings.Section}:<plan>:Credits=true for the plans that do.");
        }

        var variables = plans.SelectMany(static plan => plan.Prices).Select(static price => price.Variable)
            .ToHashSet(StringComparer.Ordinal);
        foreach (var price in plans.SelectMany(static plan => plan.Overage?.Prices ?? []).Concat(packs.Select(static pack => pack.Price)))
        {
            if (!variables.Add(price.Variable))
            {
                throw new InvalidConfigurationException(
                    $"Two prices would both be set by {price.Variable}, one of them for {(price.Part is null ? "credits" : "overage")}. "
                    + "Rename a plan or the credits.");
            }
        }

        return packs;
    }

    private static PlanOverage? ReadOverage(Plan plan, IConfigurationSection section)
    {
        if (!section.Exists())
            return null;
        if (PlanSettings.Number(section, "UnitAmount", PlanPriceSettings.MaxAmount) is not { } amount)
            throw PlanPriceSettings.NotSet(section, "UnitAmount");
        if (plan is not { Price: { } price } || plan.Prices.Any(static sold => sold.IsMetered))
        {
            throw new InvalidConfigurationException(
                $"{section.Path} bills beside the price of a subscription, and {plan.Name} has none. "
                + "Give the plan a price that is not metered, or remove its overage.");
        }

        var currency = PlanPriceSettings.Currency(section) ?? price.Currency;
        if (currency != price.Currency)
        {
            throw new InvalidConfigurationException(
                $"{section.Path}:Currency is {currency}, and that of the plan's price {price.Currency}. A subscription has one currency: "
                + "use the same.");
        }

        var meter = ServerOptions.Text(section, "Meter") ?? $"pyresolve_{plan.Name}_overage";
        var max = PlanSettings.Number(section, "MaxUnits", MaxUnits) ?? DefaultMaxOverage;
        return new PlanOverage(
            meter,
            [.. plan.Prices.Select(sold => sold with { Part = PlanOverage.Part, Amount = amount, IsMetered = true })],
            max);
    }

    private static CreditPack ReadPack(IConfigurationSection section)
    {
        CatalogName.Check(section, "credits");
        if (PlanSettings.Number(section, "Units", MaxUnits) is not { } units || units == 0)
            throw new InvalidConfigurationException($"{section.Path}:Units is not set, or 0; it is how many migrations the credits give.");
        return new CreditPack(
            section.Key,
            ServerOptions.Text(section, "Title") ?? $"{units} credits",
            (int)units,
            CreditPack.PriceOf(
                section.Key,
                PlanSettings.Number(section, "Amount", PlanPriceSettings.MaxAmount) ?? throw PlanPriceSettings.NotSet(section, "Amount"),
                PlanPriceSettings.Currency(section) ?? "usd"),
            PlanSettings.Number(section, "ValidDays", MaxValidDays) is { } days and > 0 ? (int)days : null);
    }
}
