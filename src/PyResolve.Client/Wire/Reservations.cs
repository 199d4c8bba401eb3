using System.Text.Json;
using System.Text.Json.Serialization;

namespace PyResolve.Client.Wire;

/// <summary>The body of <c>POST /quota/reservations</c>, which reserves quota.</summary>
public sealed record ReservationRequest
{
    /// <summary>Migrations to reserve: 1 to 1000; default 1.</summary>
    public int? Quantity { get; init; }

    /// <summary><c>tier1</c>, <c>tier2</c> or <c>tier3</c>.</summary>
    public string? Tier { get; init; }

    /// <summary>The library to migrate; up to 128 characters.</summary>
    public string? Library { get; init; }

    /// <summary>When the reservation expires unless it is settled, in seconds from now: 1 to 604800 (7 days); default 900.</summary>
    public int? TtlSeconds { get; init; }

    /// <summary>A stable name of the machine, to request a signed lease.</summary>
    public string? Machine { get; init; }

    /// <summary>Identifies the work, in 1 to 255 visible ASCII characters: the same key within 24 hours is charged once.</summary>
    public string? OnceKey { get; init; }
}

/// <summary>A reservation, as <c>POST</c> and <c>GET /quota/reservations</c> return it.</summary>
/// <param name="Id">The reservation's id.</param>
/// <param name="State">One of <see cref="ReservationStates"/>.</param>
/// <param name="Quantity">Migrations that it held at first.</param>
/// <param name="Remaining">Migrations that it still holds; for a returned lease, those that it holds until it expires.</param>
/// <param name="Tier">The tier that it was granted for.</param>
/// <param name="Library">The library that it was granted for.</param>
/// <param name="Month">The month that it counts in, as <c>2026-11</c>.</param>
/// <param name="ExpiresAt">When the rest is released; for a lease, when units neither reported nor returned count as used.</param>
/// <param name="Lease">The signed lease; <see langword="null"/> unless a machine was named and the server issues leases.</param>
/// <param name="Quota">The account's quota after this answer.</param>
public sealed record Reservation(
    Guid Id, string State, int Quantity, int Remaining, string Tier, string? Library, string Month, DateTimeOffset ExpiresAt,
    string? Lease, QuotaSnapshot Quota)
{
    /// <summary>Why it was granted; only from <c>GET</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ReservationReceipt? Receipt { get; init; }

    /// <summary>The API key that asked for it; <see langword="null"/> for a session, and for reservations from before the server stored
    /// keys.</summary>
    public Guid? KeyId { get; init; }
}

/// <summary>The body of <c>GET /quota/reservations</c>: one page.</summary>
/// <param name="Data">The newest first; each has the account's quota at the time of the answer.</param>
/// <param name="NextCursor">The cursor of the next page; <see langword="null"/> at the end.</param>
public sealed record ReservationPage(IReadOnlyList<Reservation> Data, string? NextCursor);

/// <summary>The state of the account when a reservation was granted.</summary>
/// <param name="Plan">The plan at that time.</param>
/// <param name="Limit">The plan's migrations a month.</param>
/// <param name="UsedBefore">Migrations used before it.</param>
/// <param name="HeldBefore">Migrations held before it.</param>
/// <param name="Reason">Why it was granted, in a sentence.</param>
public sealed record ReservationReceipt(string Plan, QuotaLimit Limit, long UsedBefore, long HeldBefore, string Reason)
{
    /// <summary>Of its migrations, those that credits cover; absent where the plan's quota covers all.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Credits { get; init; }

    /// <summary>Of its migrations, those that are overage; absent where the plan's quota covers all.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Overage { get; init; }

    /// <summary>Credits that its usage events were charged; absent while it is held, and where the plan's quota covers all.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? ChargedCredits { get; init; }

    /// <summary>Units of overage that its usage events were charged; absent while it is held, and where the plan's quota covers all.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? ChargedOverage { get; init; }
}

/// <summary>The states of a reservation.</summary>
public static class ReservationStates
{
    /// <summary>It holds migrations.</summary>
    public const string Held = "held";

    /// <summary>Settled by a usage event; the rest was released.</summary>
    public const string Committed = "committed";

    /// <summary>Released without use.</summary>
    public const string Released = "released";

    /// <summary>Past its <c>expires_at</c>: the rest was released.</summary>
    public const string Expired = "expired";
}

/// <summary>The body of <c>PATCH /quota/reservations/{id}</c>, which extends a reservation.</summary>
public sealed record ExtendRequest
{
    /// <summary>When the reservation expires from now on, in seconds from now: 1 to 604800 (7 days), but at most 7 days after it was
    /// granted. Required.</summary>
    public int? TtlSeconds { get; init; }
}

/// <summary>The body of <c>POST /quota/reservations/{id}/commit</c>.</summary>
public sealed record CommitRequest
{
    /// <summary>Migrations done: 1 to what the reservation still holds; default all of it.</summary>
    public int? Quantity { get; init; }

    /// <summary>Files changed: 0 to 2147483647; default 0.</summary>
    public long? FilesChanged { get; init; }

    /// <summary>LLM tokens used: 0 to 2147483647; default 0.</summary>
    public long? TokensUsed { get; init; }

    /// <summary>The library; default the reservation's.</summary>
    public string? Library { get; init; }

    /// <summary>A JSON object of at most 16 KiB; default empty.</summary>
    public JsonElement? Metadata { get; init; }

    /// <summary>The usage event's id, unique among the account's events; default a new one.</summary>
    public Guid? Id { get; init; }
}

/// <summary>The answer to a commit.</summary>
/// <param name="Id">The reservation's id.</param>
/// <param name="State"><c>committed</c>.</param>
/// <param name="UsageEventId">The usage event that was recorded.</param>
/// <param name="Remaining">Always 0: the rest was released.</param>
/// <param name="Quota">The account's quota after the commit.</param>
public sealed record ReservationCommitted(Guid Id, string State, Guid? UsageEventId, int Remaining, QuotaSnapshot Quota);

/// <summary>The answer to a release.</summary>
/// <param name="Id">The reservation's id.</param>
/// <param name="State"><c>released</c>.</param>
/// <param name="Quota">The account's quota after the release.</param>
public sealed record ReservationReleased(Guid Id, string State, QuotaSnapshot Quota);
