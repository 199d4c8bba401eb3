using System.Globalization;
using PyResolve.Server.Pages;
using PyResolve.Server.Statistics;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Site;

internal static class UsageText
{
    public static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    public static string Count(long number, string one, string? many = null) =>
        number == 1 ? $"1 {one}" : $"{Number(number)} {many ?? $"{one}s"}";

    public static string Day(DateOnly day) => day.ToString("d MMM", CultureInfo.InvariantCulture);

    /// <param name="month">As <c>2026-11</c>.</param>
    public static string Month(string month) => Instants.StartOfMonth(month).ToString("MMMM yyyy", CultureInfo.InvariantCulture);

    public static string MonthAfter(string month, int months) => Instants.StartOfMonth(month).AddMonths(months).ToMonth();

    /// <summary>The name of a key, or a text in its place.</summary>
    public static string KeyName(Guid? id, IReadOnlyDictionary<Guid, string> names) =>
        id is { } keyId ? names.GetValueOrDefault(keyId) ?? "A deleted key" : "No key";

    public static Chart RecentChart(RecentDays days, string id, string title)
    {
        var bars = days.Migrations
            .Select((migrations, index) => new ChartBar(
                Day(days.First.AddDays(index)), migrations, index is 0 or 15 || index == days.Migrations.Count - 1
                    ? Day(days.First.AddDays(index))
                    : null))
            .ToList();
        var description = $"A bar for each day from {Day(days.First)} to {Day(days.Last)}: {Count(days.Total, "migration")} in all.";
        return new Chart(id, title, description, bars) { Labels = "Day" };
    }

    /// <param name="query">Names and values; those without a value are left out.</param>
    public static string Link(string path, params (string Name, string? Value)[] query)
    {
        var given = query
            .Where(static part => !string.IsNullOrEmpty(part.Value))
            .Select(static part => $"{part.Name}={Uri.EscapeDataString(part.Value!)}");
        var text = string.Join('&', given);
        return text.Length == 0 ? path : $"{path}?{text}";
    }
}
