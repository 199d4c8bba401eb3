using PyResolve.Client.Wire;
using PyResolve.Server.Ledger;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Quota;

/// <summary>How a request for a hold ended.</summary>
internal abstract record HoldOutcome
{
    private HoldOutcome()
    {
    }

    /// <param name="Hold">As it stands.</param>
    /// <param name="IsNew">Whether this request made it, now or when it was first sent.</param>
    /// <param name="Quota">Right after it was granted; <see langword="null"/> where it had been before.</param>
    public sealed record Granted(Hold Hold, bool IsNew, QuotaSnapshot? Quota) : HoldOutcome;

    public sealed record QuotaExceeded(string Plan, long Limit, long Used, long Held, int Asked, DateTimeOffset ResetsAt) : HoldOutcome;

    public sealed record LlmNotAllowed(string Plan) : HoldOutcome;

    public sealed record Conflict(string Detail) : HoldOutcome;

    public sealed record AccountIsGone : HoldOutcome;

    /// <summary>It would be refused, but for holds of the account that are due, and more than one transaction settles.</summary>
    /// <param name="Due">How many units they hold, as far as it was counted.</param>
    public sealed record PutOff(long Due) : HoldOutcome;
}

/// <summary>How a commit or a release ended.</summary>
internal abstract record SettlementOutcome
{
    private SettlementOutcome()
    {
    }

    public sealed record Committed(Guid? UsageEventId) : SettlementOutcome;

    public sealed record Released : SettlementOutcome;

    public sealed record TooMany(int Available) : SettlementOutcome;

    public sealed record IdTaken : SettlementOutcome;

    /// <summary>It cannot be given back: it is used.</summary>
    public sealed record IsCommitted : SettlementOutcome;

    /// <summary>It cannot be given back any more: its lease ended too long ago.</summary>
    public sealed record TooLate(DateTimeOffset RefundedUntil) : SettlementOutcome;

    public sealed record NotFound : SettlementOutcome;

    /// <summary>It has a value that the store does not take. Nothing was stored.</summary>
    public sealed record Refused : SettlementOutcome;
}
