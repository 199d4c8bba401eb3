using PyResolve.Client.Wire;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Quota;

/// <summary>What a caller asks to hold.</summary>
internal sealed record HoldRequest(int Quantity, string Tier, string? Library, TimeSpan TimeToLive, string? Machine, string? OnceKey);

/// <summary>A reservation as it stands at one instant: a due one is expired, whether or not its row says so yet.</summary>
internal sealed record Hold
{
    public static readonly SqlFragment Columns = new(
        "id, state, quantity, remaining, tier, library, month, expires_at, request_digest, once_answers, plan, plan_limit, used_before, held_before, usage_event_id");

    public required Guid Id { get; init; }

    public required string State { get; init; }

    public required int Quantity { get; init; }

    public required int Remaining { get; init; }

    public required string Tier { get; init; }

    public string? Library { get; init; }

    public required string Month { get; init; }

    public required DateTimeOffset ExpiresAt { get; init; }

    public required byte[] RequestDigest { get; init; }

    public int OnceAnswers { get; init; }

    public required ReservationReceipt Receipt { get; init; }

    public Guid? UsageEventId { get; init; }

    /// <summary>Reads <see cref="Columns"/>.</summary>
    public static Hold Read(Row row, DateTimeOffset now)
    {
        var hold = new Hold
        {
            Id = row.Uuid(0),
            State = row.Text(1),
            Quantity = row.Int32(2),
            Remaining = row.Int32(3),
            Tier = row.Text(4),
            Library = row.TextOrNull(5),
            Month = row.Text(6),
            ExpiresAt = row.Instant(7),
            RequestDigest = row.BytesOrNull(8)!,
            OnceAnswers = row.Int32(9),
            Receipt = ReceiptFor(row.Text(10), row.Int64OrNull(11), row.Int64(12), row.Int64(13), row.Int32(2)),
            UsageEventId = row.UuidOrNull(14),
        };
        return hold.State == ReservationStates.Held && hold.ExpiresAt <= now
            ? hold with { State = ReservationStates.Expired, Remaining = 0 }
            : hold;
    }

    public static ReservationReceipt ReceiptFor(string plan, long? limit, long used, long held, int quantity) => new(
        plan,
        limit is { } number ? QuotaLimit.Of(number) : QuotaLimit.Unlimited,
        used,
        held,
        limit is null
            ? $"Granted: the {plan} plan has no limit."
            : $"Granted: {used} used + {held} held + {quantity} asked for is within the {limit} of the {plan} plan.");
}

/// <summary>How a request for a hold ended.</summary>
internal abstract record HoldOutcome
{
    private HoldOutcome()
    {
    }

    public sealed record Granted(Hold Hold, bool IsNew) : HoldOutcome;

    public sealed record QuotaExceeded(string Plan, long Limit, long Used, long Held, int Asked, DateTimeOffset ResetsAt) : HoldOutcome;

    public sealed record LlmNotAllowed(string Plan) : HoldOutcome;

    public sealed record Conflict(string Detail) : HoldOutcome;
}

/// <summary>How a commit ended.</summary>
internal abstract record CommitOutcome
{
    private CommitOutcome()
    {
    }

    public sealed record Committed(Guid? UsageEventId) : CommitOutcome;

    public sealed record TooMany(int Remaining) : CommitOutcome;

    public sealed record IdTaken : CommitOutcome;

    public sealed record NotFound : CommitOutcome;
}

/// <summary>How a release ended.</summary>
internal enum ReleaseOutcome
{
    Released,
    Committed,
    NotFound,
}
