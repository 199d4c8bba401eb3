using System.Text.Json;
using PyResolve.Client.Wire;
using PyResolve.Server.Quota;
using PyResolve.Server.Storage;
using PyResolve.Server.Usage;

namespace PyResolve.Server.Ledger;

/// <summary>A usage event as the ledger keeps it.</summary>
internal sealed record UsageRecord
{
    public const string Migration = "migration";

    public required Guid Id { get; init; }

    public required string EventType { get; init; }

    public string? Library { get; init; }

    public string? Tier { get; init; }

    public int Quantity { get; init; } = 1;

    public int FilesChanged { get; init; }

    public int TokensUsed { get; init; }

    public required JsonText Metadata { get; init; }

    /// <summary>The month that it counts in: that of its hold where it names one.</summary>
    public required string Month { get; init; }

    public required DateTimeOffset OccurredAt { get; init; }

    public required DateTimeOffset ReceivedAt { get; init; }

    public Guid? ReservationId { get; init; }

    /// <summary>Whether it came after its hold had expired, been given back or been used up.</summary>
    public bool IsLate { get; init; }

    /// <summary>Tells the same event sent again from another one under the same id.</summary>
    public required byte[] PayloadDigest { get; init; }

    /// <summary>About what it takes in memory, in bytes.</summary>
    public long Size => 512 + (2L * Metadata.Value.Length);

    public int Migrations => EventType == Migration ? Quantity : 0;

    public int Tier1Migrations => Tier == "tier1" ? Migrations : 0;

    public int LlmMigrations => Tier is "tier2" or "tier3" ? Migrations : 0;

    /// <summary>An event as it was posted; it has passed <see cref="UsageRules"/>.</summary>
    public static UsageRecord From(UsageEventRequest usage, DateTimeOffset now)
    {
        var occurredAt = usage.OccurredAt?.ToInstant() ?? now;
        return new UsageRecord
        {
            Id = usage.Id ?? Ids.Create(now),
            EventType = usage.EventType!,
            Library = usage.Library,
            Tier = usage.Tier,
            FilesChanged = (int)(usage.FilesChanged ?? 0),
            TokensUsed = (int)(usage.TokensUsed ?? 0),
            Metadata = Text(usage.Metadata),
            Month = occurredAt.ToMonth(),
            OccurredAt = occurredAt,
            ReceivedAt = now,
            ReservationId = usage.ReservationId,
            PayloadDigest = DigestOf(usage),
        };
    }

    /// <summary>The one event that a committed hold becomes.</summary>
    public static UsageRecord From(Hold hold, CommitRequest commit, int quantity, bool isLate, DateTimeOffset now)
    {
        var usage = new UsageEventRequest
        {
            EventType = Migration,
            Library = commit.Library ?? hold.Library,
            Tier = hold.Tier,
            FilesChanged = commit.FilesChanged,
            TokensUsed = commit.TokensUsed,
            Metadata = commit.Metadata,
            ReservationId = hold.Id,
            Id = commit.Id,
        };
        return From(usage, now) with { Quantity = quantity, Month = hold.Month, IsLate = isLate, PayloadDigest = DigestOf(usage, quantity) };
    }

    private static JsonText Text(JsonElement? metadata) =>
        new(metadata is { ValueKind: JsonValueKind.Object } document ? document.GetRawText() : "{}");

    /// <summary>Over what the client sent, with the defaults filled in: the time that the server stamps is left out.</summary>
    private static byte[] DigestOf(UsageEventRequest usage, int quantity = 1) => CanonicalJson.Digest(writer =>
    {
        writer.WriteString("event_type", usage.EventType);
        writer.WriteNumber("files_changed", usage.FilesChanged ?? 0);
        writer.WriteString("library", usage.Library);
        writer.WritePropertyName("metadata");
        if (usage.Metadata is { ValueKind: JsonValueKind.Object } metadata)
        {
            CanonicalJson.Write(writer, metadata);
        }
        else
        {
            writer.WriteStartObject();
            writer.WriteEndObject();
        }

        if (usage.OccurredAt is { } occurredAt)
            writer.WriteNumber("occurred_at", occurredAt.ToInstant().Ticks);
        writer.WriteNumber("quantity", quantity);
        writer.WriteString("reservation_id", usage.ReservationId?.ToString());
        writer.WriteString("tier", usage.Tier);
        writer.WriteNumber("tokens_used", usage.TokensUsed ?? 0);
    });
}

/// <summary>How recording an event ended.</summary>
internal enum RecordOutcome
{
    Recorded,

    /// <summary>The same event was there already; nothing was stored.</summary>
    Duplicate,

    /// <summary>Another event has this id; nothing was stored.</summary>
    Conflict,

    /// <summary>It names a reservation that the account does not have.</summary>
    NoSuchReservation,

    /// <summary>Its tier is not that of the reservation that it names.</summary>
    OtherTier,

    /// <summary>It passed every rule, and the store does not take it.</summary>
    Refused,
}
