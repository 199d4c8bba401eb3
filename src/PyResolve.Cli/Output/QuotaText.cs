using System.Globalization;
using PyResolve.Client.Wire;

namespace PyResolve.Cli.Output;

internal static class QuotaText
{
    /// <summary><c>2/5 used, 1 held, 2 remaining</c>.</summary>
    public static string FormatUsage(QuotaSnapshot quota)
    {
        var held = quota.MigrationsHeld > 0 ? $", {quota.MigrationsHeld} held" : "";
        return quota.MigrationsLimit.IsUnlimited
            ? $"{quota.MigrationsUsed} used{held}, no limit"
            : $"{quota.MigrationsUsed}/{quota.MigrationsLimit} used{held}, {quota.MigrationsRemaining} remaining";
    }

    /// <summary><c>2026-12-01 00:00 UTC</c>; <see langword="null"/> if the server did not say (older servers).</summary>
    public static string? FormatResetTime(QuotaSnapshot quota) =>
        quota.ResetsAt == default ? null : quota.ResetsAt.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);

    public static string Pluralize(long count, string noun) => count == 1 ? $"1 {noun}" : $"{count} {noun}s";
}
