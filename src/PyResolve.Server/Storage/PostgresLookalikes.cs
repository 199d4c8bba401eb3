using System.Globalization;
using System.Text.RegularExpressions;

namespace PyResolve.Server.Storage;

/// <summary>Databases that speak PostgreSQL's protocol, and cannot keep a promise of the server's.</summary>
internal static partial class PostgresLookalikes
{
    /// <summary>The first YugabyteDB that has advisory locks without a setting: a preview, and the stable release after it.</summary>
    private static readonly Version FirstPreview = new(2, 27);
    private static readonly Version FirstStable = new(2025, 2);

    /// <param name="version">What <c>select version()</c> says.</param>
    /// <returns>Why the server does not start there, and what helps; null: nothing is known against it.</returns>
    public static string? FindRefusal(string version)
    {
        if (version.StartsWith("CockroachDB", StringComparison.Ordinal))
        {
            return "CockroachDB is not supported. It has no statement triggers, by which a revoked key stops working within a second, and "
                + "versions before 2026 no advisory locks, so that two servers could change the schema at once. "
                + "Use PostgreSQL 15 or later.";
        }

        if (Yugabyte().Match(version) is { Success: true } match && IsTooOld(match))
        {
            return $"YugabyteDB {match.Groups["version"].Value} is not supported. It has no advisory locks, so that two servers could "
                + $"change the schema at once. Use YugabyteDB {FirstStable} or later, or PostgreSQL 15 or later.";
        }

        return null;
    }

    // 2.27 is a preview; stable releases are named after the year since 2024.1.
    private static bool IsTooOld(Match match)
    {
        var version = new Version(Number(match, "major"), Number(match, "minor"));
        return version < (version.Major < 2000 ? FirstPreview : FirstStable);
    }

    private static int Number(Match match, string group) =>
        int.Parse(match.Groups[group].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture);

    [GeneratedRegex(
        @"-YB-(?<version>(?<major>\d{1,6})\.(?<minor>\d{1,6})[\d.]*)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Yugabyte();
}
