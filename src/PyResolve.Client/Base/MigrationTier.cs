namespace PyResolve.Client;

/// <summary>What a migration uses.</summary>
public enum MigrationTier
{
    /// <summary>Deterministic, by syntax tree alone. Free without a key; metered for those who have one.</summary>
    Tier1 = 1,

    /// <summary>Calls an LLM. Needs an account whose plan allows it.</summary>
    Tier2 = 2,

    /// <summary>Calls an LLM, for the hardest cases. Needs an account whose plan allows it.</summary>
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
