namespace PyResolve.Server.Quota;

/// <summary>What a caller asks to reserve.</summary>
internal sealed record HoldRequest(int Quantity, string Tier, string? Library, TimeSpan TimeToLive, string? Machine, string? OnceKey);

/// <summary>A request for a reservation, as it waits to be decided.</summary>
/// <param name="Digest">Tells a retry from another request under the same <paramref name="IdempotencyKey"/>.</param>
/// <param name="Due">Units of its account's reservations that are due, where it waits for them: see <see cref="ReservationOutcome.Deferred"/>.</param>
internal sealed record PendingReservation(Guid UserId, HoldRequest Wanted, string? IdempotencyKey, byte[] Digest, long Due = 0);
