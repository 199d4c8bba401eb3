using System.Globalization;

namespace PyResolve.Server.Storage;

/// <summary>Instants, days and months as they are stored.</summary>
internal static class Instants
{
    /// <summary>Now, truncated to the microsecond, as both engines return it later.</summary>
    public static DateTimeOffset GetInstant(this TimeProvider time) => time.GetUtcNow().ToInstant();

    public static DateTimeOffset ToInstant(this DateTimeOffset value)
    {
        var utc = value.ToUniversalTime();
        return utc.AddTicks(-(utc.Ticks % TimeSpan.TicksPerMicrosecond));
    }

    /// <summary>The UTC calendar month, as <c>2026-11</c>.</summary>
    public static string ToMonth(this DateTimeOffset instant) => instant.UtcDateTime.ToString("yyyy-MM", CultureInfo.InvariantCulture);

    /// <summary>The UTC calendar day, as <c>2026-11-23</c>.</summary>
    public static string ToDate(this DateTimeOffset instant) => instant.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    /// <summary>The first instant of the month after this one.</summary>
    public static DateTimeOffset StartOfNextMonth(this DateTimeOffset instant)
    {
        var utc = instant.UtcDateTime;
        return new DateTimeOffset(utc.Year, utc.Month, 1, 0, 0, 0, TimeSpan.Zero).AddMonths(1);
    }
}
