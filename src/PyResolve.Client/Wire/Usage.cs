using System.Text.Json;
using System.Text.Json.Serialization;

namespace PyResolve.Client.Wire;

/// <summary>The body of <c>POST /usage</c>.</summary>
public sealed record UsageEventRequest
{
    /// <summary><c>migration</c>, <c>scan</c>, <c>llm_call</c>, or a tool's own word: a lower-case letter, then up to 63 of a–z, 0–9, _.</summary>
    public string? EventType { get; init; }

    /// <summary>Up to 128 characters.</summary>
    public string? Library { get; init; }

    /// <summary><c>tier1</c>, <c>tier2</c>, <c>tier3</c> or absent.</summary>
    public string? Tier { get; init; }

    /// <summary>0 to 2147483647; default 0.</summary>
    public long? FilesChanged { get; init; }

    /// <summary>0 to 2147483647; default 0.</summary>
    public long? TokensUsed { get; init; }

    /// <summary>A JSON object of at most 16 KiB; default empty.</summary>
    public JsonElement? Metadata { get; init; }

    /// <summary>Makes the event safe to send again: the same id and payload are stored once.</summary>
    public Guid? Id { get; init; }

    /// <summary>When it happened: at most 35 days back and 5 minutes ahead; default the time of arrival.</summary>
    public DateTimeOffset? OccurredAt { get; init; }

    /// <summary>The hold that this migration spends one unit of.</summary>
    public Guid? ReservationId { get; init; }
}

/// <summary>The answer to <c>POST /usage</c>.</summary>
/// <param name="Status"><c>recorded</c>.</param>
public sealed record UsageRecorded(string Status);

/// <summary>The body of <c>POST /usage/batch</c>, of at most 4 MiB.</summary>
public sealed record UsageBatchRequest
{
    /// <summary>1 to 1000 events. Each is judged by itself; give each an id, and the whole batch is safe to send again.</summary>
    public IReadOnlyList<UsageEventRequest>? Events { get; init; }
}

/// <summary>The answer to <c>POST /usage/batch</c>.</summary>
/// <param name="Results">One for each event, in the order sent.</param>
/// <param name="Recorded">How many were stored.</param>
/// <param name="Duplicates">How many were there already, with the same payload: as good as stored.</param>
/// <param name="Conflicts">How many were not stored, because another event has their id.</param>
/// <param name="Invalid">How many were not stored, because they break a rule.</param>
public sealed record UsageBatchResponse(IReadOnlyList<UsageBatchResult> Results, int Recorded, int Duplicates, int Conflicts, int Invalid);

/// <summary>How one event of a batch ended.</summary>
/// <param name="Id">The event's, drawn by the server where none was sent; <see langword="null"/> for an invalid event without a UUID.</param>
/// <param name="Status">One of <see cref="UsageBatchStatuses"/>.</param>
public sealed record UsageBatchResult(Guid? Id, string Status)
{
    /// <summary>The <see cref="Problem.Code"/> that <c>POST /usage</c> would answer this event with; absent where it was recorded.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Code { get; init; }

    /// <summary>What is wrong with each field, for an invalid event.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, IReadOnlyList<string>>? Errors { get; init; }
}

/// <summary>How an event of a batch can end.</summary>
public static class UsageBatchStatuses
{
    /// <summary>Stored.</summary>
    public const string Recorded = "recorded";

    /// <summary>There already, with the same payload; nothing more was stored.</summary>
    public const string Duplicate = "duplicate";

    /// <summary>Another event has this id; nothing was stored.</summary>
    public const string Conflict = "conflict";

    /// <summary>It breaks a rule; nothing was stored, and sending it again will not help.</summary>
    public const string Invalid = "invalid";
}
