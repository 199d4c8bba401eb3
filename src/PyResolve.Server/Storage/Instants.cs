using System.Globalization;

namespace PyResolve.Server.Storage;

internal static class Instants
{
    private const string MonthFormat = "yyyy-MM";

    /// <summary>The present time, truncated to the microsecond, as both engines return it later.</summary>
    public static DateTimeOffset GetInstant(this TimeProvider time) => time.GetUtcNow().ToInstant();

    public static DateTimeOffset ToInstant(this DateTimeOffset value)
    {
        var utc = value.ToUniversalTime();
        return utc.AddTicks(-(utc.Ticks % TimeSpan.TicksPerMicrosecond));
    }

    public static string ToMonth(this DateTimeOffset instant) => instant.UtcDateTime.ToString(MonthFormat, CultureInfo.InvariantCulture);

    public static string ToDate(this DateTimeOffset instant) => instant.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    /// <param name="month">As <see cref="ToMonth"/> writes it.</param>
    public static DateTimeOffset StartOfMonth(string month) =>
        DateTimeOffset.ParseExact(month, MonthFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

    public static DateTimeOffset StartOfMonth(this DateTimeOffset instant)
    {
        var utc = instant.UtcDateTime;
        return new DateTimeOffset(utc.Year, utc.Month, 1, 0, 0, 0, TimeSpan.Zero);
    }

    public static DateTimeOffset StartOfNextMonth(this DateTimeOffset instant) => instant.StartOfMonth().AddMonths(1);
}
