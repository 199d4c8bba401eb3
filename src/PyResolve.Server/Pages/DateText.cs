using System.Globalization;

namespace PyResolve.Server.Pages;

/// <summary>Writes days as people read them, in UTC.</summary>
internal static class DateText
{
    public static string Day(DateTimeOffset instant) => instant.UtcDateTime.ToString("d MMMM yyyy", CultureInfo.InvariantCulture);

    public static string DayWithoutYear(DateTimeOffset instant) => instant.UtcDateTime.ToString("d MMMM", CultureInfo.InvariantCulture);
}
