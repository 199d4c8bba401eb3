namespace PyResolve.Client;

/// <summary>How permits are decided when no PyResolve server answers: no connection, no answer in time, or an answer from a proxy or a
/// captive portal. It applies to clients with a key. Without a key there is nothing to decide: tier1 runs anonymously, and the other tiers
/// require an account.</summary>
public enum OfflinePolicy
{
    /// <summary>tier1 is granted, and reported when the server is back. tier2 and tier3 spend prepaid migrations, or are denied with
    /// <see cref="PyResolveErrorCodes.Offline"/>.</summary>
    Lease,

    /// <summary>Every tier is granted, and reported when the server is back. Prepaid migrations are spent first.</summary>
    Allow,

    /// <summary>Acquiring a permit throws, even if migrations are prepaid.</summary>
    Deny,
}
