namespace PyResolve.Client;

/// <summary>The means that a migration uses.</summary>
public enum MigrationTier
{
    /// <summary>Deterministic, by syntax tree only. Free without a key; counted against the quota with one.</summary>
    Tier1 = 1,

    /// <summary>Calls an LLM. Requires an account with a plan that allows it.</summary>
    Tier2 = 2,

    /// <summary>Calls an LLM, for the hardest cases. Requires an account with a plan that allows it.</summary>
    Tier3 = 3,
}

internal static class MigrationTiers
{
    public static string ToWire(this MigrationTier tier) => tier switch
    {
        MigrationTier.Tier1 => "tier1",
        MigrationTier.Tier2 => "tier2",
        MigrationTier.Tier3 => "tier3",
        _ => throw new ArgumentOutOfRangeException(nameof(tier), tier, "A tier is Tier1, Tier2 or Tier3."),
    };

    public static MigrationTier Checked(this MigrationTier tier)
    {
        _ = tier.ToWire();
        return tier;
    }
}
