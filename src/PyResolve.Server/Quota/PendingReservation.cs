using PyResolve.Server.Ledger;

namespace PyResolve.Server.Quota;

/// <summary>
/// A reservation that is to be decided. <c>Due</c>: units of the account's due reservations that it waits for, see
/// <see cref="ReservationOutcome.Deferred"/>.
/// </summary>
internal sealed record PendingReservation(
    Guid UserId,
    int Quantity,
    string Tier,
    TimeSpan TimeToLive,
    string? Library = null,
    string? Machine = null,
    string? OnceKey = null,
    string? IdempotencyKey = null,
    long Due = 0)
{
    /// <summary>The API key that asks; null: a session. A retry may come with another key.</summary>
    public Guid? KeyId { get; init; }

    /// <summary>Distinguishes a retry from another request with the same Idempotency-Key. Empty without a key.</summary>
    public byte[] Digest { get; } = IdempotencyKey is null ? [] : CanonicalJson.Digest(writer =>
    {
        writer.WriteString("library", Library);
        writer.WriteString("machine", Machine);
        writer.WriteString("once_key", OnceKey);
        writer.WriteNumber("quantity", Quantity);
        writer.WriteString("tier", Tier);
        writer.WriteNumber("ttl_seconds", (long)TimeToLive.TotalSeconds);
    });

    /// <summary>The approximate size in memory, in bytes.</summary>
    public long Size =>
        512 + (2 * ((Library?.Length ?? 0) + (Machine?.Length ?? 0) + (OnceKey?.Length ?? 0) + (IdempotencyKey?.Length ?? 0)));
}
