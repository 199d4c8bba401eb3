namespace PyResolve.Client;

/// <summary>The content of a lease: a quantity of a tier, reserved for one machine of an account until a given time.</summary>
internal sealed record Lease(
    Guid Id, string Issuer, Guid Account, string Tier, int Quantity, string Machine, DateTimeOffset IssuedAt, DateTimeOffset ExpiresAt);

/// <summary>Why a lease cannot be spent. If several leases have problems, the greatest value is reported.</summary>
internal enum LeaseProblem
{
    None, // There is no problem, or no lease.
    UsedUp, // Too few units are left.
    Expired,
    Foreign, // It was issued by another server or for another account.
    Copied, // It was issued for another machine.
    Forged, // It is not a lease, or the signature does not match.
    Unverifiable, // This runtime cannot verify signatures.
    Damaged, // Its ledger cannot be read to the end, so that the number of units left is unknown.
    ClockSetBack, // The clock shows an earlier time than before.
    Inaccessible, // The ledger cannot be read or written.
    NoLocks, // File locks do not work in its folder, so that two processes could spend the same units.
}

internal readonly record struct VerifiedLease(Lease? Lease, LeaseProblem Problem);
