namespace PyResolve.Client;

/// <summary>What this machine may run of a tier without asking the server.</summary>
/// <param name="Tier">The tier.</param>
/// <param name="Remaining">How many migrations are left, in valid leases.</param>
/// <param name="ExpiresAt">When the last of these leases expires; <see langword="null"/> when there are none.</param>
public sealed record PrepaidQuota(MigrationTier Tier, int Remaining, DateTimeOffset? ExpiresAt);
