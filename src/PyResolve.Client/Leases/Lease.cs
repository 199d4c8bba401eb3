namespace PyResolve.Client;

/// <summary>What a lease says: so many units of a tier are held for one machine of an account until a given time.</summary>
internal sealed record Lease(
    Guid Id, string Issuer, Guid Account, string Tier, int Quantity, string Machine, DateTimeOffset IssuedAt, DateTimeOffset ExpiresAt);

/// <summary>Why a lease cannot be spent. Where several cannot, the greatest is what is worth saying.</summary>
internal enum LeaseFault
{
    /// <summary>Nothing is wrong; or there is no lease.</summary>
    None,

    /// <summary>Too few units are left.</summary>
    UsedUp,

    /// <summary>Its time is over.</summary>
    Expired,

    /// <summary>Another server or another account gave it.</summary>
    Foreign,

    /// <summary>It is another machine's.</summary>
    Copied,

    /// <summary>It is no lease, or its signature is not that of what it says.</summary>
    Forged,

    /// <summary>This runtime cannot check signatures.</summary>
    Unverifiable,

    /// <summary>Its ledger cannot be read to the end, so that nobody knows what is left.</summary>
    Damaged,

    /// <summary>The clock shows an earlier time than it did before.</summary>
    ClockSetBack,

    /// <summary>The ledger cannot be read or written.</summary>
    Inaccessible,
}

/// <summary>A lease, unless something is wrong with it.</summary>
internal readonly record struct LeaseVerdict(Lease? Lease, LeaseFault Fault);
