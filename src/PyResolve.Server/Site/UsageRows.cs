using System.Globalization;
using PyResolve.Client.Wire;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Site;

/// <summary>The rows of a month's table, with the same of the month before beside them.</summary>
internal static class UsageRows
{
    private const int MaxRows = 100;

    public static IReadOnlyList<UsageRow> Of(UsageMonth page) => page.By switch
    {
        UsageGrouping.Day => Days(page),
        UsageGrouping.Library => Libraries(page.Usage, page.Before),
        UsageGrouping.Key => Keys(page.Usage, page.Before),
        _ => Tiers(page.Usage, page.Before),
    };

    public static IEnumerable<string> DatesOf(string month)
    {
        var first = DateOnly.FromDateTime(Instants.StartOfMonth(month).UtcDateTime);
        return Enumerable.Range(0, DateTime.DaysInMonth(first.Year, first.Month)).Select(day => Format(first.AddDays(day)));
    }

    public static string NameOfDate(string date) => UsageText.Day(DateOnly.ParseExact(date, "yyyy-MM-dd", CultureInfo.InvariantCulture));

    /// <summary>The days with usage in either month, up to today. Each is compared with the day of the same number.</summary>
    private static List<UsageRow> Days(UsageMonth page)
    {
        var usage = page.Usage.ByDay.ToDictionary(static day => day.Date, StringComparer.Ordinal);
        var before = page.Before.ByDay.ToDictionary(static day => day.Date, static day => day.Migrations, StringComparer.Ordinal);
        var days = from date in DatesOf(page.Month).Union(usage.Keys, StringComparer.Ordinal)
                   let day = usage.GetValueOrDefault(date)
                   let earlier = before.GetValueOrDefault($"{page.Before.Month}{date[7..]}")
                   where day is not null || (earlier > 0 && string.CompareOrdinal(date, Format(page.Today)) <= 0)
                   orderby date
                   select new UsageRow(NameOfDate(date), day?.Migrations ?? 0, earlier)
                   {
                       Tokens = day?.Tokens ?? 0,
                       Link = day is null ? null : UsageText.Link("app/usage/events", ("month", page.Month), ("from", date), ("to", date)),
                   };
        return [.. days];
    }

    private static List<UsageRow> Libraries(UsageStatistics usage, UsageStatistics before)
    {
        var earlier = before.ByLibrary.Where(IsNamed)
            .ToDictionary(static one => one.Library!, static one => one.Migrations, StringComparer.Ordinal);
        var isCut = before.ByLibrary.Any(static one => one.Libraries is not null);
        var named = usage.ByLibrary.Where(IsNamed)
            .Select(one => new UsageRow(one.Library!, one.Migrations, Known(earlier, one.Library!, isCut))
            {
                Link = Events(usage.Month, ("library", one.Library)),
            });
        var gone = earlier.Keys.Except(usage.ByLibrary.Select(static one => one.Library ?? ""), StringComparer.Ordinal)
            .Where(_ => usage.ByLibrary.All(static one => one.Libraries is null))
            .Select(name => new UsageRow(name, 0, earlier[name]));
        var others = usage.ByLibrary.Where(static one => one.Libraries is not null)
            .Select(static one => new UsageRow(
                UsageText.Count(one.Libraries!.Value, "other library", "other libraries"), one.Migrations, Before: null));
        var none = NoName("No library named", Unnamed(usage), Unnamed(before));
        return [.. named.Concat(gone).Take(MaxRows), .. others, .. none];

        static bool IsNamed(LibraryUsage one) => one is { Library: not null, Libraries: null };

        static long Unnamed(UsageStatistics month) =>
            month.ByLibrary.Where(static one => one.Library is null).Sum(static one => one.Migrations);
    }

    private static List<UsageRow> Keys(UsageStatistics usage, UsageStatistics before)
    {
        var earlier = before.ByKey.Where(static one => one.KeyId is not null).ToDictionary(static one => one.KeyId!.Value);
        var isCut = before.ByKey.Any(static one => one.Keys is not null);
        var migrations = earlier.ToDictionary(static one => one.Key, static one => one.Value.Migrations);
        var named = usage.ByKey.Where(static one => one.KeyId is not null)
            .Select(one => Row(one, one.Migrations, Known(migrations, one.KeyId!.Value, isCut)));
        var now = usage.ByKey.Select(static one => one.KeyId).ToHashSet();
        var gone = earlier.Values.Where(one => !now.Contains(one.KeyId) && usage.ByKey.All(static key => key.Keys is null))
            .Select(one => Row(one, 0, one.Migrations));
        var others = usage.ByKey.Where(static one => one.Keys is not null)
            .Select(static one => new UsageRow(UsageText.Count(one.Keys!.Value, "other key"), one.Migrations, Before: null));
        var none = NoName("No key", Unnamed(usage), Unnamed(before), "Reported by a session, or before keys were recorded");
        return [.. named.Concat(gone).Take(MaxRows), .. others, .. none];

        UsageRow Row(KeyUsage key, long count, long? countBefore) => new(key.Name ?? "A deleted key", count, countBefore)
        {
            Note = key.Prefix is { } prefix ? $"{prefix}…" : null,
            Link = count > 0 ? Events(usage.Month, ("key", $"{key.KeyId}")) : null,
        };

        static long Unnamed(UsageStatistics month) =>
            month.ByKey.Where(static one => one is { KeyId: null, Keys: null }).Sum(static one => one.Migrations);
    }

    /// <summary>The tiers, of which tier2 and tier3 are added up together.</summary>
    private static List<UsageRow> Tiers(UsageStatistics usage, UsageStatistics before)
    {
        UsageRow[] rows =
        [
            new("tier1", usage.Tier1Migrations, before.Tier1Migrations)
            {
                Note = "Without an LLM", Link = usage.Tier1Migrations > 0 ? Events(usage.Month, ("tier", "tier1")) : null,
            },
            new("tier2 and tier3", usage.LlmMigrations, before.LlmMigrations) { Note = "With an LLM" },
        ];
        return [.. rows.Where(static row => row.Migrations + row.Before > 0), .. NoName("No tier named", Rest(usage), Rest(before))];

        static long Rest(UsageStatistics month) => month.Migrations - month.Tier1Migrations - month.LlmMigrations;
    }

    private static IEnumerable<UsageRow> NoName(string name, long now, long before, string? note = null) =>
        now + before > 0 ? [new UsageRow(name, now, before) { Note = note }] : [];

    private static long? Known<TKey>(Dictionary<TKey, long> before, TKey key, bool isCut)
        where TKey : notnull =>
        before.TryGetValue(key, out var count) ? count : isCut ? null : 0;

    private static string Events(string month, params (string Name, string? Value)[] filter) =>
        UsageText.Link("app/usage/events", [("month", month), ("type", "migration"), .. filter]);

    private static string Format(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
