using System.Globalization;

namespace PyResolve.Server.Plans;

/// <summary>Reads the last day of a plan that an operator sets, as 2026-12-31: the plan ends with that day, in UTC.</summary>
internal static class PlanEndDate
{
    public const string Rule = "must be a day from today on, such as 2026-12-31.";

    /// <returns>The first instant after the day; null: not a day.</returns>
    public static DateTimeOffset? Parse(string? text) =>
        DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)
        && day < DateOnly.MaxValue
            ? new DateTimeOffset(day.AddDays(1), TimeOnly.MinValue, TimeSpan.Zero)
            : null;
}
