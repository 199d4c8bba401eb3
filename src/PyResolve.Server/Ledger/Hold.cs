using PyResolve.Client.Wire;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Ledger;

/// <summary>
/// A reservation, and what can become of it. At any time, what a month holds is the sum of <see cref="Remaining"/> over its reservations, and
/// what it counts as used without an event is the sum of <see cref="Lapsed"/>.
/// </summary>
internal sealed record Hold
{
    public static readonly SqlFragment Columns = new(
        """
        user_id, id, state, quantity, remaining, tier, library, month, expires_at, request_digest, once_answers, plan, plan_limit,
        used_before, held_before, usage_event_id, machine, created_at, leased, settled_as, lapsed, once_key, idempotency_key
        """);

    /// <summary>How many they are: what follows them in a row begins there.</summary>
    public const int ColumnCount = 23;

    /// <summary>Before every expiry.</summary>
    private static readonly DateTimeOffset Beginning = DateTimeOffset.UnixEpoch;

    public required Guid UserId { get; init; }

    public required Guid Id { get; init; }

    /// <summary><see cref="ReservationStates.Held"/> as long as the month holds anything for it.</summary>
    public required string StoredState { get; init; }

    /// <summary>What a leased hold becomes when it ends, where its owner has settled it before; until then it holds what is left.</summary>
    public string? SettledAs { get; init; }

    public string State => StoredState == ReservationStates.Held ? SettledAs ?? StoredState : StoredState;

    public required int Quantity { get; init; }

    /// <summary>What is still held.</summary>
    public required int Remaining { get; init; }

    /// <summary>What was neither reported nor returned when the lease ended.</summary>
    public int Lapsed { get; init; }

    public required string Tier { get; init; }

    public string? Library { get; init; }

    public required string Month { get; init; }

    public string? Machine { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset ExpiresAt { get; init; }

    public bool IsLeased { get; init; }

    public string? IdempotencyKey { get; init; }

    public required byte[] RequestDigest { get; init; }

    public string? OnceKey { get; init; }

    public int OnceAnswers { get; init; }

    public required string Plan { get; init; }

    public required long? PlanLimit { get; init; }

    public required long UsedBefore { get; init; }

    public required long HeldBefore { get; init; }

    public Guid? UsageEventId { get; init; }

    /// <summary>Until when an ended lease's units can be given back.</summary>
    public DateTimeOffset RefundedUntil => ExpiresAt + SettlementWindow;

    public static TimeSpan SettlementWindow { get; } = TimeSpan.FromDays(35);

    public ReservationReceipt Receipt => new(
        Plan,
        PlanLimit is { } limit ? QuotaLimit.Of(limit) : QuotaLimit.Unlimited,
        UsedBefore,
        HeldBefore,
        PlanLimit is null
            ? $"Granted: the {Plan} plan has no limit."
            : $"Granted: {UsedBefore} used + {HeldBefore} held + {Quantity} asked for is within the {PlanLimit} of the {Plan} plan.");

    /// <summary>The condition that a row of <c>reservations</c> has ended though it says that it holds: what <see cref="At"/> changes.</summary>
    // A range with both ends: where it has one only, PostgreSQL, which plans without looking at the value, takes a third of all rows to be in
    // it, and reads the whole table.
    public static SqlPart IsDue(DateTimeOffset now)
    {
        Sql isDue = $"state = 'held' and expires_at > {Beginning} and expires_at <= {now}";
        return new SqlPart(isDue);
    }

    /// <summary>Reads <see cref="Columns"/>, as the row has them: <see cref="At"/> says how it stands.</summary>
    public static Hold Read(Row row) => new()
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
    };

    /// <summary>A due one has ended, whether or not its row says so yet: a hold gives back what is left, a lease only what was returned.</summary>
    public Hold At(DateTimeOffset now) => StoredState != ReservationStates.Held || ExpiresAt > now
        ? this
        : this with
        {
            StoredState = SettledAs ?? ReservationStates.Expired,
            SettledAs = null,
            Remaining = 0,
            Lapsed = IsLeased && SettledAs is null ? Remaining : 0,
        };

    /// <summary>What a commit may still record, given how much events have spent of it.</summary>
    public int Available(int spent) => Remaining > 0 ? Remaining : Lapsed > 0 ? Lapsed : Math.Max(0, Quantity - spent);

    /// <summary>Whether what is reported now is covered by units that are held, or counted as used already. If not, it is late.</summary>
    public bool Covers => Remaining > 0 || Lapsed > 0;

    /// <summary>One event that names it takes one unit. With its last unit spent, a hold is committed.</summary>
    public Hold Spend(Guid usageEventId)
    {
        if (!Covers)
            return this;
        var after = this with
        {
            Remaining = Math.Max(0, Remaining - 1),
            Lapsed = Remaining > 0 ? Lapsed : Lapsed - 1,
            UsageEventId = State == ReservationStates.Committed ? UsageEventId : usageEventId,
        };
        return after.Covers ? after : after with { StoredState = ReservationStates.Committed, SettledAs = null };
    }

    /// <summary>One event of <paramref name="quantity"/> settles it; what is left goes back, of a lease when it ends.</summary>
    /// <param name="quantity">At most <see cref="Available"/>.</param>
    /// <param name="usageEventId">The event.</param>
    /// <param name="now">After <see cref="RefundedUntil"/>, what is left of a lapsed lease stays used.</param>
    public Hold Commit(int quantity, Guid? usageEventId, DateTimeOffset now)
    {
        var committed = this with { UsageEventId = usageEventId };
        if (IsLeased && Remaining > quantity)
            return committed with { Remaining = Remaining - quantity, SettledAs = ReservationStates.Committed };
        return committed with
        {
            StoredState = ReservationStates.Committed,
            SettledAs = null,
            Remaining = 0,
            Lapsed = now <= RefundedUntil ? 0 : Math.Max(0, Lapsed - quantity),
        };
    }

    /// <summary>Gives it back: a lease's units when it ends, those of an ended lease at once.</summary>
    public Hold Release() => IsLeased && Remaining > 0
        ? this with { SettledAs = ReservationStates.Released }
        : this with { StoredState = ReservationStates.Released, SettledAs = null, Remaining = 0, Lapsed = 0 };
}
