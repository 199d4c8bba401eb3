using System.Text.Json;
using System.Text.Json.Serialization;

namespace PyResolve.Client.Wire;

/// <summary>The body of <c>POST /usage</c>.</summary>
public sealed record UsageEventRequest
{
    /// <summary><c>migration</c>, <c>scan</c>, <c>llm_call</c>, or your own: a lower-case letter, then up to 63 of a–z, 0–9, _.</summary>
    public string? EventType { get; init; }

    /// <summary>The library: up to 128 characters.</summary>
    public string? Library { get; init; }

    /// <summary><c>tier1</c>, <c>tier2</c>, <c>tier3</c> or absent.</summary>
    public string? Tier { get; init; }

    /// <summary>Files changed: 0 to 2147483647; default 0.</summary>
    public long? FilesChanged { get; init; }

    /// <summary>LLM tokens used: 0 to 2147483647; default 0.</summary>
    public long? TokensUsed { get; init; }

    /// <summary>A JSON object of at most 16 KiB; default empty.</summary>
    public JsonElement? Metadata { get; init; }

    /// <summary>The event's id, which makes it safe to send again: the same id and payload are stored once. Default: a new one.</summary>
    public Guid? Id { get; init; }

    /// <summary>When it happened: at most 35 days back and 5 minutes ahead; default the time of arrival.</summary>
    public DateTimeOffset? OccurredAt { get; init; }

    /// <summary>The reservation that this migration spends one unit of.</summary>
    public Guid? ReservationId { get; init; }
}

/// <summary>The answer to <c>POST /usage</c>.</summary>
/// <param name="Status"><c>recorded</c>.</param>
public sealed record UsageRecorded(string Status);

/// <summary>The body of <c>POST /usage/batch</c>, of at most 4 MiB.</summary>
public sealed record UsageBatchRequest
{
    /// <summary>1 to 1000 events, each with its own result. With an id on each, the whole batch is safe to send again.</summary>
    public IReadOnlyList<UsageEventRequest>? Events { get; init; }
}

/// <summary>The answer to <c>POST /usage/batch</c>.</summary>
/// <param name="Results">One for each event, in the order sent.</param>
/// <param name="Recorded">How many were stored.</param>
/// <param name="Duplicates">How many were stored already, with the same payload.</param>
/// <param name="Conflicts">How many were not stored, because another event has their id.</param>
/// <param name="Invalid">How many were not stored, because they break a rule.</param>
public sealed record UsageBatchResponse(IReadOnlyList<UsageBatchResult> Results, int Recorded, int Duplicates, int Conflicts, int Invalid);

/// <summary>The result of one event of a batch.</summary>
/// <param name="Id">The event's id, or the server's if none was sent; <see langword="null"/> for an invalid one.</param>
/// <param name="Status">One of <see cref="UsageBatchStatuses"/>.</param>
public sealed record UsageBatchResult(Guid? Id, string Status)
{
    /// <summary>The <see cref="Problem.Code"/> that <c>POST /usage</c> would answer; absent when the event was recorded.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Code { get; init; }

    /// <summary>Why the event was not stored: the <see cref="Problem.Detail"/> that <c>POST /usage</c> would answer; absent when it was
    /// recorded, and from servers that do not send it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Detail { get; init; }

    /// <summary>What is wrong with each field, for an invalid event.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, IReadOnlyList<string>>? Errors { get; init; }

    /// <summary>The event's position in the batch, from 0; only for one that was not stored, and absent from servers that do not send
    /// it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Index { get; init; }
}

/// <summary>The results of an event of a batch.</summary>
public static class UsageBatchStatuses
{
    /// <summary>It was stored.</summary>
    public const string Recorded = "recorded";

    /// <summary>It was stored already, with the same payload.</summary>
    public const string Duplicate = "duplicate";

    /// <summary>It was not stored: another event has this id.</summary>
    public const string Conflict = "conflict";

    /// <summary>It was not stored: it breaks a rule, and sending it again will not help.</summary>
    public const string Invalid = "invalid";
}
