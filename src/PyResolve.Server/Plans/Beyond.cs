using System.Runtime.InteropServices;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Plans;

/// <summary>Units beyond a plan's quota that are billed afterwards, by metered prices beside the plan's own.</summary>
/// <param name="Meter">The event name of the meter at Stripe.</param>
/// <param name="Prices">One for each interval that the plan is sold by: a subscription has one interval.</param>
/// <param name="MaxUnits">The most that an account may allow itself in a month.</param>
internal sealed record PlanOverage(string Meter, IReadOnlyList<CatalogPrice> Prices, long MaxUnits)
{
    public const string Part = "overage";
}

/// <summary>The most overage in a month that an account allows itself, and the plan whose overage its subscription bills.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ChosenOverage(string Plan, long Units)
{
    public const int ColumnCount = 2;

    /// <summary>The columns of the profile <c>p</c>.</summary>
    public static readonly SqlFragment Columns = new("p.overage_limit, p.overage_plan");

    public static ChosenOverage? Read(Row row, int first) =>
        row.Int64OrNull(first) is { } units && row.TextOrNull(first + 1) is { } plan ? new ChosenOverage(plan, units) : null;
}

/// <summary>Credits that are bought at once.</summary>
/// <param name="Name">By which requests name it.</param>
/// <param name="Title">What people read.</param>
/// <param name="Units">How many migrations it gives.</param>
/// <param name="Price">Is paid once.</param>
/// <param name="ValidDays">After so many days the rest ends; null: never.</param>
internal sealed record CreditPack(string Name, string Title, int Units, CatalogPrice Price, int? ValidDays)
{
    /// <summary>The word in place of an interval, for a price that is paid once.</summary>
    public const string Once = "time";

    public static CatalogPrice PriceOf(string name, long amount, string currency) => new($"credits_{name}", Once, amount, currency);
}
