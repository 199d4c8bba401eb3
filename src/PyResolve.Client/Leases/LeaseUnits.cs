namespace PyResolve.Client;

/// <summary>Units that a permit has taken, in the order in which they are spent.</summary>
internal sealed record TakenUnits(Guid Permit, IReadOnlyList<TakenPart> Parts, DateTimeOffset FirstExpiresAt);

internal sealed record TakenPart(Guid Lease, int Units);

internal sealed record LeaseBalance(Lease Lease, int Left);

/// <summary>The valid leases of a tier, and the problem with the others.</summary>
internal sealed record LeaseBalances(IReadOnlyList<LeaseBalance> Items, LeaseProblem Problem)
{
    public int Left => Items.Sum(static balance => balance.Left);
}
