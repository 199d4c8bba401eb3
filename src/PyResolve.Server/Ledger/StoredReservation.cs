using PyResolve.Client.Wire;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Ledger;

/// <summary>
/// A reservation as it is stored. A month's <c>held</c> and <c>lapsed</c> are always the sums of <see cref="Remaining"/> and <see
/// cref="Lapsed"/>.
/// </summary>
internal sealed record StoredReservation
{
    public static readonly SqlFragment Columns = new(
        """
        user_id, id, state, quantity, remaining, tier, library, month, expires_at, request_digest, once_answers, plan, plan_limit,
        used_before, held_before, usage_event_id, machine, created_at, leased, settled_as, lapsed, once_key, idempotency_key, key_id,
        overage, beyond_plan
        """);

    public const int ColumnCount = 26;

    private static readonly TimeSpan LongestLifetime = TimeSpan.FromDays(7);
    private static readonly DateTimeOffset Beginning = DateTimeOffset.UnixEpoch;

    public required Guid UserId { get; init; }

    public required Guid Id { get; init; }

    /// <summary><see cref="ReservationStates.Held"/> while the month holds units for it, also after a lease was settled early.</summary>
    public required string StoredState { get; init; }

    /// <summary>The final state of a lease that was settled before it ended. Until it ends it still holds its remaining units.</summary>
    public string? SettledAs { get; init; }

    public string State => StoredState == ReservationStates.Held ? SettledAs ?? StoredState : StoredState;

    public required int Quantity { get; init; }

    public required int Remaining { get; init; }

    /// <summary>Units that were neither reported nor returned when the lease ended: used without an event.</summary>
    public int Lapsed { get; init; }

    public required string Tier { get; init; }

    public string? Library { get; init; }

    public required string Month { get; init; }

    public string? Machine { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset ExpiresAt { get; init; }

    public bool IsLeased { get; init; }

    public string? IdempotencyKey { get; init; }

    /// <summary>The API key that asked for it; null: a session.</summary>
    public Guid? KeyId { get; init; }

    public required byte[] RequestDigest { get; init; }

    public string? OnceKey { get; init; }

    public int OnceAnswers { get; init; }

    public required string Plan { get; init; }

    public required long? PlanLimit { get; init; }

    public required long UsedBefore { get; init; }

    public required long HeldBefore { get; init; }

    public Guid? UsageEventId { get; init; }

    /// <summary>The units that the plan's quota does not cover; null: it covers all.</summary>
    public BeyondPlan? Beyond { get; init; }

    public DateTimeOffset RefundableUntil => ExpiresAt + SettlementWindow;

    public static TimeSpan SettlementWindow { get; } = TimeSpan.FromDays(35);

    public ReservationReceipt Receipt => new(
        Plan,
        PlanLimit is { } limit ? QuotaLimit.Of(limit) : QuotaLimit.Unlimited,
        UsedBefore,
        HeldBefore,
        PlanLimit is null
            ? $"Granted: the {Plan} plan has no limit."
            : Beyond is not null
            ? $"Granted: of the {Quantity} asked for, the {Plan} plan's quota covers {Quantity - Beyond.Credits - Beyond.Overage}, "
                + $"credits {Beyond.Credits}, overage {Beyond.Overage}."
            : $"Granted: {UsedBefore} used + {HeldBefore} held + {Quantity} asked for is within the {PlanLimit} of the {Plan} plan.")
    {
        Credits = Beyond?.Credits,
        Overage = Beyond?.Overage,
        ChargedCredits = State == ReservationStates.Held ? null : Beyond?.Charged.Credits,
        ChargedOverage = State == ReservationStates.Held ? null : Beyond?.Charged.Overage,
    };

    /// <summary>The condition for rows that have expired but still say "held": those that <see cref="At"/> changes.</summary>
    /// <remarks>
    /// The range has a lower bound because PostgreSQL plans without the value: for a range with one end it expects a third of all rows, and
    /// reads the whole table.
    /// </remarks>
    public static SqlPart IsDue(DateTimeOffset now)
    {
        Sql isDue = $"state = 'held' and expires_at > {Beginning} and expires_at <= {now}";
        return new SqlPart(isDue);
    }

    /// <summary>Reads a row, which may have expired since: see <see cref="At"/>.</summary>
    public static StoredReservation Read(Row row) => new()
    {
        UserId = row.Uuid(0),
        Id = row.Uuid(1),
        StoredState = row.Text(2),
        Quantity = row.Int32(3),
        Remaining = row.Int32(4),
        Tier = row.Text(5),
        Library = row.TextOrNull(6),
        Month = row.Text(7),
        ExpiresAt = row.Instant(8),
        RequestDigest = row.BytesOrNull(9)!,
        OnceAnswers = row.Int32(10),
        Plan = row.Text(11),
        PlanLimit = row.Int64OrNull(12),
        UsedBefore = row.Int64(13),
        HeldBefore = row.Int64(14),
        UsageEventId = row.UuidOrNull(15),
        Machine = row.TextOrNull(16),
        CreatedAt = row.Instant(17),
        IsLeased = row.Boolean(18),
        SettledAs = row.TextOrNull(19),
        Lapsed = row.Int32(20),
        OnceKey = row.TextOrNull(21),
        IdempotencyKey = row.TextOrNull(22),
        KeyId = row.UuidOrNull(23),
        Beyond = row.TextOrNull(25) is { } beyond ? BeyondPlan.Parse(beyond, row.Int32(24)) : null,
    };

    /// <summary>
    /// The reservation as it is at an instant. On expiry, the units of a plain reservation return; those of an unsettled lease lapse.
    /// </summary>
    public StoredReservation At(DateTimeOffset now) => StoredState != ReservationStates.Held || ExpiresAt > now
        ? this
        : WithBeyond(this with
        {
            StoredState = SettledAs ?? ReservationStates.Expired,
            SettledAs = null,
            Remaining = 0,
            Lapsed = IsLeased && SettledAs is null ? Remaining : 0,
        });

    /// <summary>Moves the end, also to an earlier instant, but not beyond the longest lifetime since the grant.</summary>
    public StoredReservation Extend(TimeSpan timeToLive, DateTimeOffset now)
    {
        var latest = CreatedAt + LongestLifetime;
        return this with { ExpiresAt = now + timeToLive < latest ? now + timeToLive : latest };
    }

    /// <summary>The most that a commit may still record. Expired and released reservations can be committed late.</summary>
    public int Available(int spent) => Remaining > 0 ? Remaining : Lapsed > 0 ? Lapsed : Math.Max(0, Quantity - spent);

    /// <summary>Whether an event now is covered by units that are held, or counted as used already. Otherwise it is late.</summary>
    public bool Covers => Remaining > 0 || Lapsed > 0;

    /// <summary>Spends a unit by an event. With the last one the reservation is committed.</summary>
    public StoredReservation Spend(Guid usageEventId)
    {
        if (!Covers)
            return WithBeyond(this, spent: 1);
        var after = WithBeyond(spent: 1, after: this with
        {
            Remaining = Math.Max(0, Remaining - 1),
            Lapsed = Remaining > 0 ? Lapsed : Lapsed - 1,
            UsageEventId = State == ReservationStates.Committed ? UsageEventId : usageEventId,
        });
        return after.Covers ? after : after with { StoredState = ReservationStates.Committed, SettledAs = null };
    }

    /// <summary>
    /// Settles the reservation by one event of at most <see cref="Available"/>. The rest returns, for a lease when it ends.
    /// </summary>
    /// <remarks>After <see cref="RefundableUntil"/>, the rest of a lapsed lease stays used.</remarks>
    public StoredReservation Commit(int quantity, Guid? usageEventId, DateTimeOffset now)
    {
        var committed = this with { UsageEventId = usageEventId };
        if (IsLeased && Remaining > quantity)
            return WithBeyond(committed with { Remaining = Remaining - quantity, SettledAs = ReservationStates.Committed }, quantity);
        var after = committed with
        {
            StoredState = ReservationStates.Committed,
            SettledAs = null,
            Remaining = 0,
            Lapsed = now <= RefundableUntil ? 0 : Math.Max(0, Lapsed - quantity),
        };
        return WithBeyond(after, quantity);
    }

    /// <summary>Returns the units: at once, but those of a running lease when it ends.</summary>
    public StoredReservation Release() => IsLeased && Remaining > 0
        ? this with { SettledAs = ReservationStates.Released }
        : WithBeyond(this with { StoredState = ReservationStates.Released, SettledAs = null, Remaining = 0, Lapsed = 0 });

    /// <summary>
    /// The credits and the overage that an event of so many units is charged to. Units beyond the reservation are the plan's, whose quota
    /// it may exceed.
    /// </summary>
    public UnitSources SourcesOf(int units) => Beyond?.SourcesOf(units) ?? default;

    private StoredReservation WithBeyond(StoredReservation after, int spent = 0) => Beyond is null
        ? after
        : after with { Beyond = Beyond.Spend(spent).ReturnAllBut(after.Remaining + after.Lapsed) };
}
