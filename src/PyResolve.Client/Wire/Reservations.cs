using System.Text.Json;
using System.Text.Json.Serialization;

namespace PyResolve.Client.Wire;

/// <summary>The body of <c>POST /quota/reservations</c>: a hold on quota.</summary>
public sealed record ReservationRequest
{
    /// <summary>Migrations to hold, 1 to 1000; default 1.</summary>
    public int? Quantity { get; init; }

    /// <summary><c>tier1</c>, <c>tier2</c> or <c>tier3</c>.</summary>
    public string? Tier { get; init; }

    /// <summary>The library to migrate; up to 128 characters.</summary>
    public string? Library { get; init; }

    /// <summary>How long the hold lasts unless settled, in seconds, 1 to 604800; default 900.</summary>
    public int? TtlSeconds { get; init; }

    /// <summary>A stable name of the machine; asks for a signed lease.</summary>
    public string? Machine { get; init; }

    /// <summary>1 to 255 visible ASCII characters: work that is the same within 24 hours is held and paid once.</summary>
    public string? OnceKey { get; init; }
}

/// <summary>A reservation, as <c>POST</c> and <c>GET /quota/reservations</c> show it.</summary>
/// <param name="Id">The reservation.</param>
/// <param name="State">One of <see cref="ReservationStates"/>.</param>
/// <param name="Quantity">Migrations held at first.</param>
/// <param name="Remaining">Migrations still held; of a lease that was returned, until it ends.</param>
/// <param name="Tier">The tier it was granted for.</param>
/// <param name="Library">The library it was granted for.</param>
/// <param name="Month">The month that it counts in, as <c>2026-11</c>.</param>
/// <param name="ExpiresAt">When what is left goes back; of a lease, when what was neither reported nor returned counts as used.</param>
/// <param name="Lease">The signed, offline form; <see langword="null"/> unless a machine was named and the server signs.</param>
/// <param name="Quota">The account's quota after this answer.</param>
public sealed record Reservation(
    Guid Id,
    string State,
    int Quantity,
    int Remaining,
    string Tier,
    string? Library,
    string Month,
    DateTimeOffset ExpiresAt,
    string? Lease,
    QuotaSnapshot Quota)
{
    /// <summary>Why it was granted; on <c>GET</c> only.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ReservationReceipt? Receipt { get; init; }
}

/// <summary>What was true when a hold was granted.</summary>
/// <param name="Plan">The plan that granted it.</param>
/// <param name="Limit">That plan's migrations a month.</param>
/// <param name="UsedBefore">Migrations used before it.</param>
/// <param name="HeldBefore">Migrations held before it.</param>
/// <param name="Reason">Why it was granted, in a sentence.</param>
public sealed record ReservationReceipt(string Plan, QuotaLimit Limit, long UsedBefore, long HeldBefore, string Reason);

/// <summary>The states of a reservation.</summary>
public static class ReservationStates
{
    /// <summary>Units are held.</summary>
    public const string Held = "held";

    /// <summary>Settled by a usage event; what was left went back.</summary>
    public const string Committed = "committed";

    /// <summary>Given back.</summary>
    public const string Released = "released";

    /// <summary>Past its <c>expires_at</c>: what was left went back.</summary>
    public const string Expired = "expired";
}

/// <summary>The body of <c>POST /quota/reservations/{id}/commit</c>.</summary>
public sealed record CommitRequest
{
    /// <summary>Migrations done, 1 to what the reservation still holds; default all of it.</summary>
    public int? Quantity { get; init; }

    /// <summary>0 to 2147483647; default 0.</summary>
    public long? FilesChanged { get; init; }

    /// <summary>0 to 2147483647; default 0.</summary>
    public long? TokensUsed { get; init; }

    /// <summary>Default: the reservation's.</summary>
    public string? Library { get; init; }

    /// <summary>A JSON object of at most 16 KiB; default empty.</summary>
    public JsonElement? Metadata { get; init; }

    /// <summary>The usage event's id; default one that the server makes. Shares one space with <c>POST /usage</c>.</summary>
    public Guid? Id { get; init; }
}

/// <summary>The answer to a commit.</summary>
/// <param name="Id">The reservation.</param>
/// <param name="State"><c>committed</c>.</param>
/// <param name="UsageEventId">The event that it became.</param>
/// <param name="Remaining">0: what was left went back.</param>
/// <param name="Quota">The account's quota after the commit.</param>
public sealed record ReservationCommitted(Guid Id, string State, Guid? UsageEventId, int Remaining, QuotaSnapshot Quota);

/// <summary>The answer to a release.</summary>
/// <param name="Id">The reservation.</param>
/// <param name="State"><c>released</c>.</param>
/// <param name="Quota">The account's quota after the release.</param>
public sealed record ReservationReleased(Guid Id, string State, QuotaSnapshot Quota);
