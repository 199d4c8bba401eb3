namespace PyResolve.Client;

/// <summary>
/// What happens when someone with a key wants a permit and no PyResolve server answers: no connection, no answer in time, or one that is a
/// proxy's or a portal's. Without a key there is nothing to decide: tier1 runs anonymously, and what else there is needs an account.
/// </summary>
public enum OfflinePolicy
{
    /// <summary>tier1 goes on, and is reported when the server is back. tier2 and tier3 spend what was prepaid, or are denied as <see cref="PyResolveErrorCodes.Offline"/>.</summary>
    Lease,

    /// <summary>Every tier goes on, and is reported when the server is back. What was prepaid is spent first.</summary>
    Allow,

    /// <summary>Taking a permit throws, whatever was prepaid.</summary>
    Deny,
}
