using System.Globalization;
using PyResolve.Client.Wire;
using PyResolve.Server.Pages;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Site;

/// <summary>An estimate of a month at the pace of the last seven days, today included.</summary>
internal sealed record Forecast(long Used, long? Limit, long LastSevenDays, DateTimeOffset Now)
{
    private double PerDay => LastSevenDays / (6 + Now.UtcDateTime.TimeOfDay.TotalDays);

    public long Expected => ExpectedAfter((Now.StartOfNextMonth() - Now).TotalDays);

    /// <summary>When the limit will be reached; null: not this month, or already.</summary>
    private DateTimeOffset? LimitReachedAt => Limit is { } limit && Used < limit && Expected > limit
        ? Now.AddDays((limit - Used) / PerDay)
        : null;

    /// <summary>The estimate in a sentence; null: nothing can be said.</summary>
    public string? Text => (LastSevenDays, LimitReachedAt, Limit) switch
    {
        (0, _, _) => null,
        (_, { } at, { } limit) =>
            $"At the pace of the last seven days, the {Number(limit)} of the plan are used up about {DateText.DayWithoutYear(at)}.",
        (_, null, { } limit) when Used < limit =>
            $"At the pace of the last seven days, the month ends with about {Number(Expected)} of {Number(limit)} used.",
        (_, null, null) => $"At the pace of the last seven days, the month ends with about {Number(Expected)} used.",
        _ => null,
    };

    /// <param name="days">The month's, in which each is the number of that day alone.</param>
    public Chart MonthChart(IReadOnlyList<DailyUsage> days)
    {
        var first = DateOnly.FromDateTime(Now.StartOfMonth().UtcDateTime);
        var today = DateOnly.FromDateTime(Now.UtcDateTime);
        var bars = new List<ChartBar>();
        for (var day = first; day.Month == first.Month; day = day.AddDays(1))
        {
            var text = day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
            // Also what happened before the month, or is dated tomorrow: it counts.
            var counted = days.Where(usage => day >= today || string.CompareOrdinal(usage.Date, text) <= 0).Sum(usage => usage.Migrations);
            var isExpected = day > today;
            var endOfDay = new DateTimeOffset(day.AddDays(1), TimeOnly.MinValue, TimeSpan.Zero);
            var value = isExpected ? counted + ExpectedAfter((endOfDay - Now).TotalDays) - Used : counted;
            bars.Add(new ChartBar(UsageText.Day(day), value, TickOf(day, first)) { IsExpected = isExpected });
        }

        var name = UsageText.Month(Now.ToMonth());
        return new Chart("month-chart", $"Migrations used in {name}, day by day added up", Describe(name, bars), bars)
        {
            Labels = "By the end of",
            Values = "Used",
            Limit = Limit,
        };
    }

    private static string? TickOf(DateOnly day, DateOnly first) =>
        day == first || day.Day == 15 || day.AddDays(1).Month != first.Month ? UsageText.Day(day) : null;

    private string Describe(string month, List<ChartBar> bars)
    {
        var soFar = bars.Last(static bar => !bar.IsExpected).Value;
        var limit = Limit is { } number ? $" The line is the plan's limit of {Number(number)}." : "";
        return $"A bar for each day of {month}: {Number(soFar)} so far. Paler bars are expected.{limit}";
    }

    private long ExpectedAfter(double days) => Used + (long)Math.Round(PerDay * days);

    private static string Number(long number) => UsageText.Number(number);
}
