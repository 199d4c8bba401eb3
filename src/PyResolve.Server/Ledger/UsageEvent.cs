using System.Text.Json;
using PyResolve.Client.Wire;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Ledger;

internal sealed record UsageEvent
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

    /// <summary>The month in which it counts: that of its reservation, if it names one.</summary>
    public required string Month { get; init; }

    public required DateTimeOffset OccurredAt { get; init; }

    public required DateTimeOffset ReceivedAt { get; init; }

    public Guid? ReservationId { get; init; }

    /// <summary>The API key that reported it; null: a session. A retry may come with another key.</summary>
    public Guid? KeyId { get; init; }

    /// <summary>Whether its reservation had expired, been released or been used up before.</summary>
    public bool IsLate { get; init; }

    /// <summary>Distinguishes a retry from another event with the same id.</summary>
    public required byte[] PayloadDigest { get; init; }

    /// <summary>The approximate size in memory, in bytes.</summary>
    public long Size => 512 + (2L * Metadata.Value.Length);

    public int Migrations => EventType == Migration ? Quantity : 0;

    public int Tier1Migrations => Tier == "tier1" ? Migrations : 0;

    public int LlmMigrations => Tier is "tier2" or "tier3" ? Migrations : 0;

    public static UsageEvent From(UsageEventRequest usage, Guid? keyId, DateTimeOffset now)
    {
        var occurredAt = usage.OccurredAt?.ToInstant() ?? now;
        return new UsageEvent
        {
            Id = usage.Id ?? Ids.Create(now),
            EventType = usage.EventType!,
            Library = usage.Library,
            Tier = usage.Tier,
            FilesChanged = (int)(usage.FilesChanged ?? 0),
            TokensUsed = (int)(usage.TokensUsed ?? 0),
            Metadata = ToText(usage.Metadata),
            Month = occurredAt.ToMonth(),
            OccurredAt = occurredAt,
            ReceivedAt = now,
            ReservationId = usage.ReservationId,
            KeyId = keyId,
            PayloadDigest = DigestOf(usage),
        };
    }

    public static UsageEvent From(
        StoredReservation reservation, CommitRequest commit, Guid? keyId, int quantity, bool isLate, DateTimeOffset now)
    {
        var usage = CommittedUsage.Of(commit, reservation.Id, reservation.Tier, reservation.Library);
        var usageEvent = From(usage, keyId, now);
        return usageEvent with
        {
            // A commit that is sent again to a store that lost the first is the same event, which is billed once.
            Id = commit.Id ?? (reservation.Beyond is null ? usageEvent.Id : reservation.Id),
            Quantity = quantity,
            Month = reservation.Month,
            IsLate = isLate,
            PayloadDigest = DigestOf(usage, quantity),
        };
    }

    /// <summary>
    /// Creates the event of a commit whose reservation the store has lost: its tier is not known, nor how many units it had. Where the
    /// client gave no id, it is the reservation's, so that a commit that is sent again is the same event.
    /// </summary>
    public static UsageEvent FromLost(Guid reservationId, CommitRequest commit, Guid? keyId, DateTimeOffset now)
    {
        var usage = CommittedUsage.Of(commit, reservationId, tier: null, library: null);
        var quantity = commit.Quantity ?? 1;
        return From(usage, keyId, now) with
        {
            Id = commit.Id ?? reservationId,
            Quantity = quantity,
            Month = (Ids.CreatedAt(reservationId) ?? now).ToMonth(),
            IsLate = true,
            PayloadDigest = DigestOf(usage, quantity),
        };
    }

    private static JsonText ToText(JsonElement? metadata) =>
        new(metadata is { ValueKind: JsonValueKind.Object } document ? document.GetRawText() : "{}");

    /// <summary>The digest of what the client sent, with defaults filled in, but without a time that the server set.</summary>
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
