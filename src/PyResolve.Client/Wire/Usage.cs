using System.Text.Json;

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
