namespace PyResolve.Client;

/// <summary>Units that a permit has taken.</summary>
/// <param name="Permit">Which permit.</param>
/// <param name="Parts">Where they are from, in the order in which they are spent.</param>
/// <param name="ExpiresAt">When the first of these leases ends.</param>
internal sealed record LeaseTake(Guid Permit, IReadOnlyList<LeasePart> Parts, DateTimeOffset ExpiresAt);

/// <summary>Units of one lease.</summary>
internal sealed record LeasePart(Guid Lease, int Units);

/// <summary>What is left of a lease that is good now.</summary>
internal sealed record LeaseBalance(Lease Lease, int Left);

/// <summary>What there is to spend, and what is wrong with what cannot be.</summary>
internal sealed record LeaseStanding(IReadOnlyList<LeaseBalance> Balances, LeaseFault Fault)
{
    public int Left => Balances.Sum(static balance => balance.Left);
}
