using System.Globalization;
using PyResolve.Client.Wire;

namespace PyResolve.Cli.Output;

internal static class QuotaText
{
    /// <summary><c>2/5 used, 1 held, 2 remaining</c>.</summary>
    public static string Used(QuotaSnapshot quota)
    {
        var held = quota.MigrationsHeld > 0 ? $", {quota.MigrationsHeld} held" : "";
        return quota.MigrationsLimit.IsUnlimited
            ? $"{quota.MigrationsUsed} used{held}, no limit"
            : $"{quota.MigrationsUsed}/{quota.MigrationsLimit} used{held}, {quota.MigrationsRemaining} remaining";
    }

    /// <summary><c>2026-12-01 00:00 UTC</c>; <see langword="null"/> from an older server.</summary>
    public static string? Resets(QuotaSnapshot quota) =>
        quota.ResetsAt == default ? null : quota.ResetsAt.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);

    public static string Count(long number, string what) => number == 1 ? $"1 {what}" : $"{number} {what}s";
}
