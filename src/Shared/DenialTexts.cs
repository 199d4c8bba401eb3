using System.Globalization;

namespace PyResolve;

/// <summary>
/// Why a migration is denied. Compiled into PyResolve.Client and PyResolve.Testing; the server uses the client's. So a client's own check
/// says what the server says to a reservation.
/// </summary>
internal static class DenialTexts
{
    public static string LlmNotAllowed(string plan, string upgradeUrl) =>
        $"LLM migrations (tier2, tier3) are not part of the {plan} plan. {LlmAdvice(upgradeUrl)}";

    public static string LlmAdvice(string upgradeUrl) => $"Upgrade at {upgradeUrl}, or use tier1.";

    public static string LimitReached(string plan, long limit, long used, long held, long asked) => FormattableString.Invariant(
        $"Monthly limit reached ({limit} migrations on the {plan} plan: {used} used, {held} held, {asked} asked for).");

    public static string ResetsAt(DateTimeOffset instant) =>
        $"It resets at {instant.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)}.";
}
