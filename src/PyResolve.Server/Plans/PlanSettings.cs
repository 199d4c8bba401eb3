using System.Globalization;
using PyResolve.Client.Wire;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Plans;

/// <summary>
/// Reads <c>PyResolve:Plans</c>. Where it names only the four default plans, it changes them; where it names another, it is the whole
/// catalogue.
/// </summary>
internal static class PlanSettings
{
    public const string Section = "PyResolve:Plans";

    private const long MaxOrder = 1_000_000_000;

    /// <summary>The largest limit. A hundred times as much, for shares in percent, is still a number of the database.</summary>
    private const long MaxLimit = 1_000_000_000_000_000;

    /// <summary>The largest limit of a seat: with the most seats it is no more than <see cref="MaxLimit"/>.</summary>
    private const long MaxLimitOfSeat = MaxLimit / Plan.MaxSeats;
    private const int MaxTrialDays = 730;

    private static readonly Plan[] Defaults =
    [
        new(PlanCatalog.Free, 5, LlmAllowed: false, Price: null) { IsFree = true },
        new("pro", 50, LlmAllowed: true, new PlanPrice(1900, "usd", "month")),
        new("unlimited", null, LlmAllowed: true, new PlanPrice(4900, "usd", "month")),
        new(PlanCatalog.Enterprise, null, LlmAllowed: true, Price: null),
    ];

    /// <returns>Smallest first.</returns>
    public static IReadOnlyList<Plan> Read(IConfiguration configuration)
    {
        var section = configuration.GetSection(Section);
        var named = section.GetChildren().ToList();
        named.ForEach(static child => CatalogName.Check(child, "plan"));
        var plans = named.TrueForAll(static child => Defaults.Any(plan => plan.Name == child.Key))
            ? Defaults.Select(plan => Change(plan, section.GetSection(plan.Name))).ToList()
            : ReadOwn(named);
        CheckPrices(plans);
        return plans;
    }

    private static List<Plan> ReadOwn(List<IConfigurationSection> named)
    {
        var ranked = new SortedDictionary<long, Plan>();
        var free = FindFree(named);
        foreach (var section in named)
        {
            if (Number(section, "Order", MaxOrder) is not { } order)
            {
                throw new InvalidConfigurationException(
                    $"{section.Path}:Order is not set. {Section} names plans beside "
                    + $"{string.Join(", ", Defaults.Select(static plan => plan.Name))}, so it is the whole catalogue: "
                    + "give each plan a number, the smallest to the smallest plan.");
            }

            if (section["MigrationsLimit"] is null)
                throw new InvalidConfigurationException($"{section.Path}:MigrationsLimit is not set; it is {LimitForm}.");
            var plan = Change(
                new Plan(section.Key, MigrationsLimit: null, LlmAllowed: section.Key != free, Price: null) { IsFree = section.Key == free },
                section);
            if (!ranked.TryAdd(order, plan))
            {
                throw new InvalidConfigurationException(
                    $"{section.Path}:Order is {order}, as that of '{ranked[order].Name}'. Give each plan a number of its own.");
            }
        }

        if (ranked.First().Value is { IsFree: false } smallest)
        {
            throw new InvalidConfigurationException(
                $"{Section}:{smallest.Name}:Order is less than that of '{free}', the plan without payment. Make that the smallest.");
        }

        return [.. ranked.Values];
    }

    private static string FindFree(List<IConfigurationSection> named)
    {
        var marked = named.Where(static section => ServerOptions.Flag(section, "WithoutPayment") == true)
            .Select(static section => section.Key)
            .ToList();
        var hasFree = named.Exists(static section => section.Key == PlanCatalog.Free);
        return (marked, hasFree) switch
        {
            ([PlanCatalog.Free], _) or ([], true) => PlanCatalog.Free,
            ([var one], false) => one,
            ([], false) => throw new InvalidConfigurationException(
                $"{Section} has no plan without payment. Set {Section}:<plan>:WithoutPayment=true for the one that every account begins "
                + "with."),
            (_, true) => throw new InvalidConfigurationException(
                $"{Section}:{PlanCatalog.Free} is not the plan without payment, and only that may have this name. Rename it."),
            _ => throw new InvalidConfigurationException(
                $"{Section} has {marked.Count} plans without payment ({string.Join(", ", marked)}). Leave WithoutPayment=true at one."),
        };
    }

    private static Plan Change(Plan plan, IConfigurationSection section)
    {
        var tiers = ReadTiers(section, plan);
        var prices = PlanPriceSettings.Read(section, plan);
        if (plan.IsFree && prices.Count > 0)
        {
            throw new InvalidConfigurationException(
                $"{section.Path} has a price, and is the plan without payment. Remove the price, or mark another plan by "
                + "WithoutPayment=true.");
        }

        if (ServerOptions.Flag(section, "WithoutPayment") is { } isFree && isFree != plan.IsFree)
        {
            throw new InvalidConfigurationException(
                $"{section.Path}:WithoutPayment is {(isFree ? "true" : "false")}; of the default plans it is "
                + $"'{PlanCatalog.Free}' that is without payment. Unset it, or name plans of your own.");
        }

        var perSeat = ServerOptions.Flag(section, "PerSeat") ?? plan.PerSeat;
        if (perSeat && prices.Any(static price => price.IsMetered))
        {
            throw new InvalidConfigurationException(
                $"{section.Path} has PerSeat=true and a metered price, which counts what is used and no seats. Leave one of them.");
        }

        return CreditSettings.Change(plan with
        {
            Title = ServerOptions.Text(section, "Title") ?? plan.Title,
            Description = ServerOptions.Text(section, "Description"),
            Features =
            [
                .. section.GetSection("Features").GetChildren().OrderBy(Position).Select(static line => line.Value).OfType<string>(),
            ],
            MigrationsLimit = ReadLimit(section, plan.MigrationsLimit, perSeat ? MaxLimitOfSeat : MaxLimit),
            LlmAllowed = tiers.Any(PlanTiers.CallsLlm),
            Tiers = tiers,
            Price = prices is [var first, ..] ? PlanPriceSettings.Show(first) : null,
            Prices = prices,
            TrialDays = Number(section, "TrialDays", MaxTrialDays) is { } days and > 0 ? (int)days : null,
            TrialNeedsCard = ServerOptions.Flag(section, "TrialNeedsCard") ?? plan.TrialNeedsCard,
            PerSeat = perSeat,
            IsPublic = ServerOptions.Flag(section, "Public") ?? plan.IsPublic,
        }, section);
    }

    private const string LimitForm = "a number of migrations a month, or unlimited";

    private static long? ReadLimit(IConfigurationSection section, long? limit, long max) => section["MigrationsLimit"] switch
    {
        null => limit,
        "unlimited" => null,
        var text when long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) =>
            number <= max ? number : throw Invalid(section, "MigrationsLimit", text, AtMost(max)),
        var text => throw Invalid(section, "MigrationsLimit", text, LimitForm),
    };

    private static string AtMost(long limit) =>
        string.Create(CultureInfo.InvariantCulture, $"at most {limit} migrations a month, or unlimited");

    private static IReadOnlyList<string> ReadTiers(IConfigurationSection section, Plan plan)
    {
        var llm = ServerOptions.Flag(section, "LlmAllowed");
        var text = section["Tiers"];
        if (text is null)
            return llm is null ? plan.Tiers : llm.Value ? PlanTiers.All : PlanTiers.WithoutLlm;
        if (llm is not null)
            throw new InvalidConfigurationException($"{section.Path} has Tiers and LlmAllowed. Tiers says it all: unset LlmAllowed.");
        var tiers = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return tiers.Contains(PlanTiers.WithoutLlm[0]) && tiers.All(PlanTiers.All.Contains)
            ? [.. PlanTiers.All.Where(tiers.Contains)]
            : throw Invalid(section, "Tiers", text, "tier1, or tier1 and others of tier2 and tier3, with commas between");
    }

    private static void CheckPrices(List<Plan> plans)
    {
        var seen = new Dictionary<string, CatalogPrice>(StringComparer.Ordinal);
        foreach (var price in plans.SelectMany(static plan => plan.Prices))
        {
            if (!seen.TryAdd(price.Variable, price))
            {
                throw new InvalidConfigurationException(
                    $"The price of '{price.Plan}' by the {price.Interval} and that of '{seen[price.Variable].Plan}' would both be set by "
                    + $"{price.Variable}. Rename one of the plans.");
            }
        }
    }

    public static long? Number(IConfigurationSection section, string name, long most) => section[name] switch
    {
        null => null,
        var text when long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= most => number,
        var text => throw Invalid(section, name, text, string.Create(CultureInfo.InvariantCulture, $"a number from 0 to {most}")),
    };

    public static InvalidConfigurationException Invalid(IConfigurationSection section, string name, string value, string form) =>
        new($"{section.Path}:{name} is {ServerOptions.Quote(value)}; it is {form}.");

    /// <summary>The place of a line in its list. The keys are numbers, which configuration may sort as text.</summary>
    private static int Position(IConfigurationSection line) =>
        int.TryParse(line.Key, NumberStyles.None, CultureInfo.InvariantCulture, out var position) ? position : int.MaxValue;
}
