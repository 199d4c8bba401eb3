namespace PyResolve.Client;

/// <summary>The content of a lease: a quantity of a tier, held for one machine of an account until a given time.</summary>
internal sealed record Lease(
    Guid Id, string Issuer, Guid Account, string Tier, int Quantity, string Machine, DateTimeOffset IssuedAt, DateTimeOffset ExpiresAt);

/// <summary>Why a lease cannot be spent. Where several cannot, the greatest value is reported.</summary>
internal enum LeaseProblem
{
    /// <summary>There is no problem, or no lease.</summary>
    None,

    /// <summary>Too few units are left.</summary>
    UsedUp,

    Expired,

    /// <summary>It was issued by another server or for another account.</summary>
    Foreign,

    /// <summary>It was issued for another machine.</summary>
    Copied,

    /// <summary>It is not a lease, or the signature does not match.</summary>
    Forged,

    /// <summary>This runtime cannot verify signatures.</summary>
    Unverifiable,

    /// <summary>Its ledger cannot be read to the end, so that the number of units left is unknown.</summary>
    Damaged,

    /// <summary>The clock shows an earlier time than before.</summary>
    ClockSetBack,

    /// <summary>The ledger cannot be read or written.</summary>
    Inaccessible,
}

/// <summary>A lease, unless there is a problem with it.</summary>
internal readonly record struct VerifiedLease(Lease? Lease, LeaseProblem Problem);
