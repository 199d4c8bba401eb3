using System.Globalization;
using PyResolve.Client.Wire;
using PyResolve.Server.Plans;
using PyResolve.Server.Statistics;

namespace PyResolve.Server.Site;

/// <summary>The page of prices. <c>Current</c>: the plan of the account that is signed in; null: nobody is.</summary>
internal sealed record Pricing(IReadOnlyList<Plan> Plans, string? Current, bool SignUpIsOpen)
{
    private static readonly string[] WithoutMinorUnit = ["jpy", "krw", "vnd", "clp", "isk"];

    /// <summary>The page where a plan is chosen; null: there is none.</summary>
    public string? LinkOf(Plan plan) => (Current, plan.Name) switch
    {
        (null, _) when plan.IsFree => SignUpIsOpen ? "sign-up" : null,
        (_, var name) when name == Current || !plan.IsSold => null,
        (null, _) => SignUpIsOpen ? "sign-up?next=app/plan" : "sign-in?next=app/plan",
        _ => "app/plan",
    };

    public static string NameOf(Plan plan) => plan.Title;

    public static string PlanName(string name) => char.ToUpperInvariant(name[0]) + name[1..];

    public static string PriceOf(Plan plan) => plan switch
    {
        { Price: { } price } => Money(price.Amount, price.Currency),
        { IsFree: true } => "No charge",
        _ => "On request",
    };

    public static string Money(long amount, string currency)
    {
        var isWhole = WithoutMinorUnit.Contains(currency, StringComparer.Ordinal);
        var value = isWhole ? amount : amount / 100m;
        var text = value.ToString(isWhole || value == Math.Truncate(value) ? "N0" : "N2", CultureInfo.InvariantCulture);
        return currency switch
        {
            "usd" => $"${text}",
            "eur" => $"€{text}",
            "gbp" => $"£{text}",
            _ => $"{text} {currency.ToUpperInvariant()}",
        };
    }
}

/// <summary>
/// The overview of an account. <c>Days</c>: this month's; <c>Recent</c>: across months; <c>Expiring</c>: keys that end soon;
/// <c>Trouble</c>: with a payment.
/// </summary>
internal sealed record Overview(
    QuotaSnapshot Quota,
    IReadOnlyList<DailyUsage> Days,
    RecentDays Recent,
    IReadOnlyList<RecordedUsageEvent> Events,
    IReadOnlyList<ApiKeyInfo> Expiring,
    Trouble? Trouble,
    string ServerUrl,
    DateTimeOffset Now)
{
    public Forecast Forecast => new(Quota.MigrationsUsed, Limit, Recent.Migrations.TakeLast(7).Sum(), Now);

    /// <summary>The units that were used without an event: what leases had left when they ended.</summary>
    public long WithoutEvent => Math.Max(0, Quota.MigrationsUsed - Days.Sum(static day => day.Migrations));

    public const int BarWidth = 1_000;

    public long? Limit => Quota.MigrationsLimit.Value;

    public int UsedWidth => WidthOf(Quota.MigrationsUsed);

    public int HeldWidth => Math.Min(WidthOf(Quota.MigrationsHeld), BarWidth - UsedWidth);

    public int DaysLeft => (int)Math.Ceiling((Quota.ResetsAt - Now).TotalDays);

    private int WidthOf(long units) => Limit switch
    {
        > 0 and var limit => (int)Math.Min(BarWidth, units * BarWidth / limit),
        _ => units > 0 ? BarWidth : 0,
    };
}
