using System.Globalization;
using PyResolve.Server.Http;

namespace PyResolve.Server.Statistics;

/// <summary>Reads query parameters. An empty one counts as absent; an invalid one is a 422 that names it.</summary>
internal static class StatisticsQuery
{
    private const string MonthFormat = "yyyy-MM";

    public static string? Month(string? text)
    {
        if (string.IsNullOrEmpty(text))
            return null;
        return IsMonth(text) ? text : throw Invalid("month", ProblemTexts.NotAMonth);
    }

    public static int Number(string name, string? text, int whenAbsent, int lowest, int highest)
    {
        if (string.IsNullOrEmpty(text))
            return whenAbsent;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= lowest && number <= highest
            ? number
            : throw Invalid(name, ProblemTexts.NumberRange(lowest, highest));
    }

    public static EventPosition? Cursor(string? text, string? month)
    {
        if (string.IsNullOrEmpty(text))
            return null;
        if (!EventPosition.TryParse(text, out var position))
            throw Invalid("cursor", ProblemTexts.EventCursorUnknown);
        if (month is not null && position.Month != month)
        {
            throw Invalid(
                "cursor",
                $"belongs to a list that reached {position.Month}, not to one of {month} alone. "
                + "Send it with the month that it was given for.");
        }

        return position;
    }

    public static bool IsMonth(string text) =>
        DateOnly.TryParseExact(text, MonthFormat, CultureInfo.InvariantCulture, DateTimeStyles.None, out _);

    private static ProblemException Invalid(string name, string error) => new(Problems.Invalid(name, error));
}
