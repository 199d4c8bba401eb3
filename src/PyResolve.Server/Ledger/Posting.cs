namespace PyResolve.Server.Ledger;

/// <summary>An event, and the account that it is to be recorded for.</summary>
internal readonly record struct Posting(Guid UserId, UsageRecord Event)
{
    /// <summary>Unique for ever.</summary>
    public (Guid UserId, Guid Id) Key => (UserId, Event.Id);
}
