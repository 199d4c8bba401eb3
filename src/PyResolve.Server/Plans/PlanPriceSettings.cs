using System.Text.RegularExpressions;
using PyResolve.Client.Wire;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Plans;

/// <summary>
/// Reads the prices of a plan: <c>Prices:month</c> and <c>Prices:year</c>; or <c>Price</c>, which is the only one, and <c>Prices:year</c>
/// beside it.
/// </summary>
internal static partial class PlanPriceSettings
{
    private const string Month = "month";
    private const string Year = "year";
    private const string AmountForm = "an amount in the currency's minor unit (cents)";

    // What Stripe takes.
    public const long MaxAmount = 99_999_999;

    /// <returns>The first is the one that is shown where there is room for one.</returns>
    public static IReadOnlyList<CatalogPrice> Read(IConfigurationSection section, Plan plan)
    {
        var byInterval = section.GetSection("Prices");
        foreach (var child in byInterval.GetChildren())
        {
            if (child.Key is not (Month or Year))
                throw new InvalidConfigurationException($"{child.Path} is not known; a price is by the {Month} or by the {Year}.");
        }

        var month = ReadOne(byInterval.GetSection(Month), plan, Month, plan.Price);
        var year = ReadOne(byInterval.GetSection(Year), plan, Year, price: null);
        var only = ReadOnly(section, plan);
        if (month is not null && section.GetSection("Price").Exists())
            throw new InvalidConfigurationException($"{section.Path} has Price and Prices:{Month}. Leave one of them.");
        var first = month ?? only;
        if (year is not null && first?.Interval == Year)
            throw new InvalidConfigurationException($"{section.Path} has Price by the {Year} and Prices:{Year}. Leave one of them.");
        return [.. new[] { first, year is null ? null : year with { IsNamedByInterval = true } }.OfType<CatalogPrice>()];
    }

    public static PlanPrice Show(CatalogPrice price) => new(price.Amount, price.Currency, price.Interval) { Metered = price.IsMetered };

    /// <param name="section">Of the interval.</param>
    /// <param name="plan">The plan.</param>
    /// <param name="interval">Its interval.</param>
    /// <param name="price">What the default plan costs.</param>
    private static CatalogPrice? ReadOne(IConfigurationSection section, Plan plan, string interval, PlanPrice? price)
    {
        if (!section.Exists())
            return null;
        var amount = PlanSettings.Number(section, "Amount", MaxAmount) ?? price?.Amount ?? throw NoAmount(section);
        return new CatalogPrice(plan.Name, interval, amount, Currency(section) ?? price?.Currency ?? "usd")
        {
            IsMetered = ServerOptions.Flag(section, "Metered") ?? false,
            Section = $"Prices:{interval}",
        };
    }

    private static CatalogPrice? ReadOnly(IConfigurationSection plan, Plan known)
    {
        var section = plan.GetSection("Price");
        var (amount, currency, interval) = (section["Amount"], Currency(section), section["Interval"]);
        if (amount is null && known.Price is null && (currency ?? interval) is not null)
            throw NoAmount(section);
        if (amount is null && known.Price is null)
            return null;
        if (interval is not (null or Month or Year))
            throw PlanSettings.Invalid(section, "Interval", interval, $"{Month} or {Year}");
        return new CatalogPrice(
            known.Name,
            interval ?? known.Price?.Interval ?? Month,
            PlanSettings.Number(section, "Amount", MaxAmount) ?? known.Price!.Amount,
            currency ?? known.Price?.Currency ?? "usd");
    }

    public static string? Currency(IConfigurationSection section) => section["Currency"] switch
    {
        null => null,
        var text when CurrencyForm().IsMatch(text) => text,
        var text => throw PlanSettings.Invalid(section, "Currency", text, "three lower-case letters, such as eur"),
    };

    private static InvalidConfigurationException NoAmount(IConfigurationSection section) => NotSet(section, "Amount");

    public static InvalidConfigurationException NotSet(IConfigurationSection section, string name) =>
        new($"{section.Path}:{name} is not set. A price needs an amount: set it to {AmountForm}.");

    [GeneratedRegex("^[a-z]{3}$", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex CurrencyForm();
}
