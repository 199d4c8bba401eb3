using PyResolve.Client.Wire;

namespace PyResolve.Gate;

internal static class QuotaSentence
{
    /// <summary><c>free plan, 2/5 used, 1 held, 2 remaining</c>.</summary>
    public static string Of(QuotaSnapshot quota)
    {
        var held = quota.MigrationsHeld > 0 ? $", {quota.MigrationsHeld} held" : "";
        return quota.MigrationsLimit.IsUnlimited
            ? $"{quota.Plan} plan, {quota.MigrationsUsed} used{held}, no limit"
            : $"{quota.Plan} plan, {quota.MigrationsUsed}/{quota.MigrationsLimit} used{held}, {quota.MigrationsRemaining} remaining";
    }
}
