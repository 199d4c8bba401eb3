namespace PyResolve.Server.Ledger;

/// <summary>An event that waits to be recorded for an account.</summary>
internal readonly record struct PendingUsageEvent(Guid UserId, UsageEvent Event)
{
    /// <summary>The ledger's primary key.</summary>
    public (Guid UserId, Guid Id) Key => (UserId, Event.Id);
}
