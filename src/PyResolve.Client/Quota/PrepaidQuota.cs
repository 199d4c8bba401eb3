namespace PyResolve.Client;

/// <summary>What this machine may run of a tier without asking the server.</summary>
/// <param name="Tier">The tier.</param>
/// <param name="Remaining">How many migrations are left, in valid leases.</param>
/// <param name="ExpiresAt">When the last of these leases expires; <see langword="null"/> when there are none.</param>
public sealed record PrepaidQuota(MigrationTier Tier, int Remaining, DateTimeOffset? ExpiresAt)
{
    /// <summary>Why other leases that are stored on this machine cannot be spent, as in "what was prepaid on this machine has expired";
    /// <see langword="null"/> when there is no such lease, or none was looked at.</summary>
    public string? Problem { get; init; }
}
