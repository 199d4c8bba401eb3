using System.Text.Json;

namespace PyResolve.Client;

/// <summary>Something that a tool did.</summary>
public sealed class UsageEvent
{
    /// <summary>An event of a kind.</summary>
    /// <param name="eventType"><c>migration</c>, <c>scan</c>, <c>llm_call</c>, or a word of your own: a lower-case letter, then up to 63 of a–z, 0–9 and _.</param>
    /// <exception cref="ArgumentException">The word has another form.</exception>
    public UsageEvent(string eventType)
    {
        EventType = IsWord(Guard.NotNull(eventType))
            ? eventType
            : throw new ArgumentException("An event type is a lower-case letter, then up to 63 of a–z, 0–9 and _, as in \"scan\".", nameof(eventType));
    }

    /// <summary>The kind.</summary>
    public string EventType { get; }

    /// <summary>The library it was about: up to 128 characters. Default none.</summary>
    public string? Library { get; init => field = Guard.Library(value, nameof(Library)); }

    /// <summary>The tier it used. Default none.</summary>
    public MigrationTier? Tier { get; init => field = value?.Checked(); }

    /// <summary>Files that changed: 0 to 2147483647. Default 0.</summary>
    public long FilesChanged { get; init => field = Guard.Count(value, nameof(FilesChanged)); }

    /// <summary>LLM tokens used: 0 to 2147483647. Default 0.</summary>
    public long TokensUsed { get; init => field = Guard.Count(value, nameof(TokensUsed)); }

    /// <summary>Anything else worth keeping: a JSON object of at most 16 KiB. Default none.</summary>
    /// <exception cref="ArgumentException">It is something else, or larger.</exception>
    public JsonElement? Metadata { get; init => field = Guard.Metadata(value, nameof(Metadata)); }

    /// <summary>The hold that this migration spends one unit of. Default none.</summary>
    public Guid? ReservationId { get; init; }

    /// <summary>Names the event, so that reporting it again stores nothing new. Default: a new id for each report.</summary>
    public Guid? Id { get; init; }

    /// <summary>
    /// When it happened: at most 35 days back. Default: when it is reported. Where this machine's clock turns out to be wrong by over a
    /// minute, the server's counts: for the default from then on, and for a time that the server refuses.
    /// </summary>
    public DateTimeOffset? OccurredAt { get; init; }

    private static bool IsWord(string text)
    {
        foreach (var c in text)
        {
            if (c is not ((>= 'a' and <= 'z') or (>= '0' and <= '9') or '_'))
                return false;
        }

        return text.Length is > 0 and <= 64 && text[0] is >= 'a' and <= 'z';
    }
}
