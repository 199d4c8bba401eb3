using System.Globalization;
using PyResolve.Client.Wire;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Plans;

/// <summary>The limit is per month; null: unlimited.</summary>
internal sealed record Plan(string Name, long? MigrationsLimit, bool LlmAllowed, PlanPrice? Price)
{
    public QuotaLimit Limit => MigrationsLimit is { } limit ? QuotaLimit.Of(limit) : QuotaLimit.Unlimited;

    /// <param name="units">What an operator gave beside it, for one month.</param>
    public Plan WithExtra(long units) =>
        units == 0 || MigrationsLimit is null ? this : this with { MigrationsLimit = MigrationsLimit + units };
}

/// <summary>The plans' names are fixed; what they allow is configuration (<c>PyResolve:Plans</c>). Prices are in minor units.</summary>
internal sealed class PlanCatalog
{
    public const string Free = "free";
    public const string Enterprise = "enterprise";

    private const string Section = "PyResolve:Plans";

    private static readonly Plan[] Defaults =
    [
        new(Free, 5, LlmAllowed: false, Price: null),
        new("pro", 50, LlmAllowed: true, new PlanPrice(1900, "usd", "month")),
        new("unlimited", null, LlmAllowed: true, new PlanPrice(4900, "usd", "month")),
        new(Enterprise, null, LlmAllowed: true, Price: null),
    ];

    private readonly Dictionary<string, Plan> _byName;

    public PlanCatalog(IConfiguration configuration)
    {
        var section = configuration.GetSection(Section);
        foreach (var child in section.GetChildren())
        {
            if (!Defaults.Any(plan => plan.Name == child.Key))
            {
                throw new InvalidConfigurationException(
                    $"{Section} names the plan '{child.Key}'; the plans are {string.Join(", ", Names)}.");
            }
        }

        All = [.. Defaults.Select(plan => Read(section.GetSection(plan.Name), plan))];
        _byName = All.ToDictionary(plan => plan.Name, StringComparer.Ordinal);
    }

    public static IEnumerable<string> Names => Defaults.Select(plan => plan.Name);

    /// <summary>Plans sold by subscription, smallest first.</summary>
    public static IReadOnlyList<string> Sold { get; } = ["pro", "unlimited"];

    /// <summary>Smallest first.</summary>
    public IReadOnlyList<Plan> All { get; }

    public Plan this[string name] => _byName[name];

    public static string Greater(string one, string? other) => Rank(other) > Rank(one) ? other! : one;

    /// <summary>0 for the smallest plan, -1 for none.</summary>
    public static int Rank(string? plan) => Array.FindIndex(Defaults, known => known.Name == plan);

    private static Plan Read(IConfigurationSection section, Plan plan) => plan with
    {
        MigrationsLimit = section["MigrationsLimit"] switch
        {
            null => plan.MigrationsLimit,
            "unlimited" => null,
            var text when long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) => limit,
            var text => throw Invalid(section, "MigrationsLimit", text, "a number of migrations a month, or unlimited"),
        },
        LlmAllowed = section["LlmAllowed"] switch
        {
            null => plan.LlmAllowed,
            var text when bool.TryParse(text, out var allowed) => allowed,
            var text => throw Invalid(section, "LlmAllowed", text, "true or false"),
        },
        Price = ReadPrice(section, plan.Price),
    };

    private static PlanPrice? ReadPrice(IConfigurationSection section, PlanPrice? price)
    {
        var (amount, currency, interval) = (section["Price:Amount"], section["Price:Currency"], section["Price:Interval"]);
        if (amount is null && price is null && (currency ?? interval) is not null)
            throw new InvalidConfigurationException($"{section.Path}:Price:Amount is not set, and a price without an amount is none.");
        if (amount is null && price is null)
            return null;
        if (amount is not null && !long.TryParse(amount, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            throw Invalid(section, "Price:Amount", amount, "an amount in the currency's minor unit (cents)");
        return new PlanPrice(
            amount is null ? price!.Amount : long.Parse(amount, NumberStyles.None, CultureInfo.InvariantCulture),
            currency ?? price?.Currency ?? "usd",
            interval ?? price?.Interval ?? "month");
    }

    private static InvalidConfigurationException Invalid(IConfigurationSection section, string name, string value, string form) =>
        new($"{section.Path}:{name} is {ServerOptions.Quote(value)}; it is {form}.");
}
