using PyResolve.Client.Wire;
using PyResolve.Server.Ledger;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Quota;

internal abstract record ReservationOutcome
{
    private ReservationOutcome()
    {
    }

    /// <param name="IsNew">Whether this request created it, now or when it was first sent.</param>
    /// <param name="Quota">As of the grant; null where the reservation existed before.</param>
    public sealed record Granted(StoredReservation Reservation, bool IsNew, QuotaSnapshot? Quota) : ReservationOutcome;

    public sealed record QuotaExceeded(string Plan, long Limit, long Used, long Held, int Asked, DateTimeOffset ResetsAt)
        : ReservationOutcome
    {
        /// <summary>The units beyond the limit that credits and overage cover, or could.</summary>
        public long Beyond { get; init; }

        /// <summary>When the subscription ends, where the request would be granted if it ended before that; else null.</summary>
        public DateTimeOffset? OverageEnds { get; init; }

        /// <summary>Whether the request would be granted if nothing were held.</summary>
        public bool IsHeldOnly => Used + Asked <= Limit + Beyond;
    }

    public sealed record TierNotAllowed(string Tier, Plan Plan) : ReservationOutcome;

    public sealed record Conflict(string Detail) : ReservationOutcome;

    public sealed record AccountDeleted : ReservationOutcome;

    /// <summary>Not decided yet: it fits once due reservations are settled, which are too many for one transaction.</summary>
    /// <param name="Due">The units that they hold, as far as counted.</param>
    public sealed record Deferred(long Due) : ReservationOutcome;
}

internal abstract record ExtensionOutcome
{
    private ExtensionOutcome()
    {
    }

    public sealed record Extended(StoredReservation Reservation) : ExtensionOutcome;

    /// <param name="State">Committed, released or expired.</param>
    public sealed record Ended(string State) : ExtensionOutcome;

    public sealed record Leased : ExtensionOutcome;

    /// <summary>The reservation has units of overage, which the subscription would not bill after its end.</summary>
    /// <param name="Ends">The subscription's end.</param>
    /// <param name="CommitBy">It cannot be extended at all, and is best committed by then; null: it can be extended by less.</param>
    public sealed record OutlivesSubscription(DateTimeOffset Ends, DateTimeOffset? CommitBy) : ExtensionOutcome;

    public sealed record NotFound : ExtensionOutcome;
}

internal abstract record SettlementOutcome
{
    private SettlementOutcome()
    {
    }

    public sealed record Committed(Guid? UsageEventId) : SettlementOutcome;

    public sealed record Released : SettlementOutcome;

    public sealed record TooMany(int Available) : SettlementOutcome;

    public sealed record IdTaken : SettlementOutcome;

    /// <summary>A committed reservation cannot be released.</summary>
    public sealed record AlreadyCommitted : SettlementOutcome;

    /// <summary>The lease ended too long ago to be released.</summary>
    public sealed record TooLate(DateTimeOffset RefundableUntil) : SettlementOutcome;

    public sealed record NotFound : SettlementOutcome;

    public sealed record RejectedByStore : SettlementOutcome;
}
