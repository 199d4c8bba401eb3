namespace PyResolve.Client;

/// <summary>What this machine may run of a tier without asking the server.</summary>
/// <param name="Tier">The tier.</param>
/// <param name="Remaining">Migrations left, in leases that are good now.</param>
/// <param name="ExpiresAt">When the last of these leases ends; <see langword="null"/> without any.</param>
public sealed record PrepaidQuota(MigrationTier Tier, int Remaining, DateTimeOffset? ExpiresAt);
