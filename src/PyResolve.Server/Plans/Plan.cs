using System.Globalization;
using PyResolve.Client.Wire;

namespace PyResolve.Server.Plans;

/// <summary>A plan of the catalogue.</summary>
/// <param name="Name">As in requests and in the database.</param>
/// <param name="MigrationsLimit">Per month, for one seat where <see cref="PerSeat"/>; null: unlimited.</param>
/// <param name="LlmAllowed">Whether a tier that calls an LLM may run.</param>
/// <param name="Price">The price that is shown first: that of a month, if there is one.</param>
internal sealed record Plan(string Name, long? MigrationsLimit, bool LlmAllowed, PlanPrice? Price)
{
    /// <summary>The names that plans and credits may have. The database has the same check.</summary>
    public const string NamePattern = "^[a-z][a-z0-9_-]{0,31}$";

    public string Title { get; init; } = $"{char.ToUpperInvariant(Name[0])}{Name[1..]}";

    public string? Description { get; init; }

    /// <summary>The lines that the page of prices shows about the plan.</summary>
    public IReadOnlyList<string> Features { get; init; } = [];

    public IReadOnlyList<string> Tiers { get; init; } = LlmAllowed ? PlanTiers.All : PlanTiers.WithoutLlm;

    public IReadOnlyList<CatalogPrice> Prices { get; init; } =
        Price is null ? [] : [new CatalogPrice(Name, Price.Interval, Price.Amount, Price.Currency)];

    /// <summary>How long the first subscription of a customer is free; null: not at all.</summary>
    public int? TrialDays { get; init; }

    /// <summary>Whether a trial begins only with a way to pay.</summary>
    public bool TrialNeedsCard { get; init; } = true;

    public bool PerSeat { get; init; }

    /// <summary>Whether the plan is shown to everyone, or only to accounts that have it.</summary>
    public bool IsPublic { get; init; } = true;

    /// <summary>Whether it is the plan of an account that pays nothing. There is one.</summary>
    public bool IsFree { get; init; }

    /// <summary>Whether units beyond its quota are drawn on credits.</summary>
    public bool DrawsCredits { get; init; }

    /// <summary>The overage that is billed afterwards; null: the plan allows none.</summary>
    public PlanOverage? Overage { get; init; }

    public bool IsSold => Prices.Count > 0;

    public QuotaLimit Limit => MigrationsLimit is { } limit ? QuotaLimit.Of(limit) : QuotaLimit.Unlimited;

    /// <param name="interval">null: the first price.</param>
    public CatalogPrice? FindPrice(string? interval) =>
        Prices.FirstOrDefault(price => interval is null || price.Interval == interval);

    /// <param name="seats">What is paid for; null: one.</param>
    public Plan WithSeats(long? seats) => PerSeat && seats is not null && MigrationsLimit is { } limit
        ? this with { MigrationsLimit = limit * Math.Clamp(seats.Value, 0, MaxSeats) }
        : this;

    /// <param name="units">What an operator gave beside it, for one month.</param>
    public Plan WithExtra(long units) =>
        units == 0 || MigrationsLimit is null ? this : this with { MigrationsLimit = MigrationsLimit + units };

    /// <param name="chosen">By the account; null: none. That of another plan is not billed by this one's subscription.</param>
    /// <returns>The most overage in a month.</returns>
    public long OverageLimit(ChosenOverage? chosen) =>
        Overage is not null && chosen is { } of && of.Plan == Name ? Math.Clamp(of.Units, 0, Overage.MaxUnits) : 0;

    /// <summary>What customers who have cancelled are told about further charges.</summary>
    public string LastCharge => this switch
    {
        _ when Prices.Any(static price => price.IsMetered) => "Nothing more is charged but what is used until then.",
        { Overage: not null } => "Nothing more is charged but the overage that is used until then.",
        _ => "Nothing more is charged.",
    };

    /// <summary>The most seats that one purchase can have.</summary>
    public const int MaxSeatsSold = 1_000;

    /// <summary>The most seats that a plan can have: more than anyone pays for, and few enough that no limit overflows.</summary>
    public const long MaxSeats = 1_000_000;
}

/// <summary>A price that a plan is sold by, in minor units.</summary>
/// <param name="Plan">The plan's name.</param>
/// <param name="Interval"><c>month</c> or <c>year</c>.</param>
/// <param name="Amount">For a period; for each unit where it is metered.</param>
/// <param name="Currency">ISO 4217, lower case.</param>
internal sealed record CatalogPrice(string Plan, string Interval, long Amount, string Currency)
{
    /// <summary>Whether it is charged afterwards, by what was used.</summary>
    public bool IsMetered { get; init; }

    /// <summary>The part of the plan that it charges for, such as overage; null: the plan itself.</summary>
    public string? Part { get; init; }

    /// <summary>Whether its names include the interval. The price by the year beside one by the month has such names.</summary>
    public bool IsNamedByInterval { get; init; }

    /// <summary>Its place in the plan's settings: <c>Price</c> or <c>Prices:month</c>.</summary>
    public string Section { get; init; } = "Price";

    /// <summary>The price as operators read it: <c>1900 usd a month</c>.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Amount} {Currency}{(IsMetered ? " a unit," : "")} a {Interval}");

    /// <summary>The setting with the price's id at Stripe.</summary>
    public string Variable => PriceNames.VariableOf(Part is null ? Plan : $"{Plan}_{Part}", IsNamedByInterval ? Interval : null);

    /// <summary>The price's lookup key at Stripe.</summary>
    public string LookupKey => (Part is null ? ProductId : $"{ProductId}_{Part}") + (IsNamedByInterval ? $"_{Interval}" : "");

    /// <summary>The product at Stripe that <c>stripe setup</c> makes.</summary>
    public string ProductId => $"pyresolve_{Plan}";
}

internal static class PriceNames
{
    private const string Prefix = "STRIPE_PRICE_";

    /// <param name="plan">A plan's name.</param>
    /// <param name="interval">null: the plan's first price.</param>
    public static string VariableOf(string plan, string? interval = null)
    {
        var name = interval is null ? plan : $"{plan}_{interval}";
        return Prefix + name.ToUpper(CultureInfo.InvariantCulture).Replace('-', '_');
    }
}

internal static class PlanTiers
{
    public static readonly IReadOnlyList<string> WithoutLlm = ["tier1"];

    public static readonly IReadOnlyList<string> All = ["tier1", "tier2", "tier3"];

    public static bool CallsLlm(string tier) => tier is not "tier1";
}
