using System.Text.Json;

namespace PyResolve.Client;

/// <summary>Something that a tool did, to be recorded for the account.</summary>
public sealed class UsageEvent
{
    internal const string Migration = "migration";

    /// <summary>Creates an event.</summary>
    /// <param name="eventType"><c>migration</c>, <c>scan</c>, <c>llm_call</c>, or a type of your own: a lower-case letter, then up to 63 of
    /// a–z, 0–9 and _.</param>
    /// <exception cref="ArgumentException">The type has another form.</exception>
    public UsageEvent(string eventType)
    {
        EventType = IsType(Guard.NotNull(eventType))
            ? eventType
            : throw new ArgumentException(
                "An event type is a lower-case letter, then up to 63 of a–z, 0–9 and _. Example: scan", nameof(eventType));
    }

    /// <summary>The type of the event.</summary>
    public string EventType { get; }

    /// <summary>The library: up to 128 characters. Default none.</summary>
    /// <exception cref="ArgumentException">The name is blank, longer, or has control characters.</exception>
    public string? Library { get; init => field = Guard.Library(value, nameof(Library)); }

    /// <summary>The tier of a migration. Default none.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The tier does not exist.</exception>
    public MigrationTier? Tier { get; init => field = value?.Checked(); }

    /// <summary>How many files were changed: 0 to 2147483647. Default 0.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of this range.</exception>
    public long FilesChanged { get; init => field = Guard.Count(value, nameof(FilesChanged)); }

    /// <summary>How many LLM tokens were used: 0 to 2147483647. Default 0.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of this range.</exception>
    public long TokensUsed { get; init => field = Guard.Count(value, nameof(TokensUsed)); }

    /// <summary>Further data: a JSON object of at most 16 KiB. Default none.</summary>
    /// <exception cref="ArgumentException">The value is not an object, or larger.</exception>
    public JsonElement? Metadata { get; init => field = Guard.Metadata(value, nameof(Metadata)); }

    /// <summary>The reservation that this migration spends one unit of. Default none.</summary>
    public Guid? ReservationId { get; init; }

    /// <summary>The event's id; reporting the same id again stores nothing new. Default: a new id for each report.</summary>
    public Guid? Id { get; init; }

    /// <summary>When it happened: at most 35 days ago. Default: the time of the report. If this machine's clock is wrong by more than a
    /// minute, the server's time is used as soon as it is known: for the default, and for a time that the server rejects.</summary>
    public DateTimeOffset? OccurredAt { get; init; }

    private static bool IsType(string text) =>
        text.Length is > 0 and <= 64
        && text[0] is >= 'a' and <= 'z'
        && text.All(static c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '_');
}
