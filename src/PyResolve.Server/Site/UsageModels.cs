using System.Globalization;
using PyResolve.Client.Wire;
using PyResolve.Server.Pages;

namespace PyResolve.Server.Site;

internal enum UsageGrouping
{
    Day,
    Library,
    Key,
    Tier,
}

/// <summary>A row of a table of usage. <c>Before</c>: those of the month before; null: not compared.</summary>
internal sealed record UsageRow(string Name, long Migrations, long? Before)
{
    /// <summary>A second line of text, smaller.</summary>
    public string? Note { get; init; }

    public long? Tokens { get; init; }

    /// <summary>The page with the events of the row, where a filter finds them.</summary>
    public string? Link { get; init; }
}

internal sealed record UsageMonth(
    UsageGrouping By, UsageStatistics Usage, UsageStatistics Before, UsageHistory History, DateOnly Today)
{
    private IReadOnlyList<UsageRow>? _rows;

    public string Month => Usage.Month;

    public bool IsEmpty => Usage is { Migrations: 0, TotalTokens: 0, TotalFilesChanged: 0 };

    public bool IsCurrent => Month == Today.ToString("yyyy-MM", CultureInfo.InvariantCulture);

    /// <summary>The rows, which are read more than once, and built once.</summary>
    public IReadOnlyList<UsageRow> Rows => _rows ??= UsageRows.Of(this);

    public string Heading => By switch
    {
        UsageGrouping.Day => "Day",
        UsageGrouping.Library => "Library",
        UsageGrouping.Key => "API key",
        _ => "Tier",
    };

    /// <summary>The comparison with the whole month before, also where this one is not over.</summary>
    public string Compared => (Usage.Migrations - Before.Migrations) switch
    {
        > 0 and var more => $"{UsageText.Number(more)} more than in {UsageText.Month(Before.Month)}",
        < 0 and var fewer => $"{UsageText.Number(-fewer)} fewer than in {UsageText.Month(Before.Month)}",
        _ => $"as many as in {UsageText.Month(Before.Month)}",
    };

    public int ShareOf(UsageRow row) => (int)(row.Migrations * 100 / Math.Max(1, Rows.Max(static one => one.Migrations)));

    public static string LinkTo(string month, UsageGrouping by) =>
        UsageText.Link("app/usage", ("month", month), ("by", by.ToString().ToLowerInvariant()));

    public Chart DayChart()
    {
        var byDate = Usage.ByDay.ToDictionary(static day => day.Date, static day => day.Migrations, StringComparer.Ordinal);
        var dates = UsageRows.DatesOf(Month).Union(byDate.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        var bars = dates.Select((date, index) => new ChartBar(
            UsageRows.NameOfDate(date),
            byDate.GetValueOrDefault(date),
            index == 0 || index == dates.Count / 2 || index == dates.Count - 1 ? UsageRows.NameOfDate(date) : null));
        var name = UsageText.Month(Month);
        var total = UsageText.Count(Usage.Migrations, "migration");
        return new Chart("days", $"Migrations a day in {name}", $"A bar for each day: {total} in all.", [.. bars])
        {
            Labels = "Day",
            HasTable = false,
        };
    }

    public Chart HistoryChart()
    {
        var months = History.Data.Reverse().ToList();
        var bars = months.Select((month, index) => new ChartBar(
            UsageText.Month(month.Month), month.Migrations, index == 0 || index == months.Count - 1 ? UsageText.Month(month.Month) : null)
        {
            Link = LinkTo(month.Month, By),
        });
        var total = UsageText.Count(months.Sum(static month => month.Migrations), "migration");
        return new Chart("months", "Migrations a month", $"A bar for each of the last {months.Count} months: {total} in all.", [.. bars])
        {
            Labels = "Month",
        };
    }
}
