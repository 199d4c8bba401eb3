using System.Globalization;
using PyResolve.Client;
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

    /// <summary>How much of the month's quota is used or held; <see langword="null"/> without a limit.</summary>
    public static string? FormatBar(Terminal terminal, QuotaSnapshot quota)
    {
        if (quota.MigrationsLimit.Value is not { } limit)
            return null;
        var taken = quota.MigrationsUsed + quota.MigrationsHeld;
        var percent = limit == 0 ? 100 : taken * 100 / limit;
        var colour = percent >= 100 ? Colour.Red : percent >= 80 ? Colour.Yellow : Colour.Green;
        return string.Create(CultureInfo.InvariantCulture, $"{terminal.Bar(taken, limit, colour)} {percent} %");
    }

    /// <summary><c>2026-12-01 00:00 UTC</c>; <see langword="null"/> if the server did not say (older servers).</summary>
    public static string? FormatResetTime(QuotaSnapshot quota) =>
        quota.ResetsAt == default ? null : FormatTime(quota.ResetsAt);

    public static string FormatTime(DateTimeOffset instant) =>
        instant.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);

    /// <summary><c>tier2</c>.</summary>
    public static string NameOf(MigrationTier tier) => tier.ToString().ToLowerInvariant();

    public static string FormatNumber(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    public static string Pluralize(long count, string noun) => count == 1 ? $"1 {noun}" : $"{FormatNumber(count)} {noun}s";
}
