namespace PyResolve.Server.Ledger;

internal readonly record struct PendingUsageEvent(Guid UserId, UsageEvent Event)
{
    public (Guid UserId, Guid Id) Key => (UserId, Event.Id);
}
