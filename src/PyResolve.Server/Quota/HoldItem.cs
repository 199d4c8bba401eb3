namespace PyResolve.Server.Quota;

/// <summary>What a caller asks to hold.</summary>
internal sealed record HoldRequest(int Quantity, string Tier, string? Library, TimeSpan TimeToLive, string? Machine, string? OnceKey);

/// <summary>A request for a hold, as it waits to be decided.</summary>
/// <param name="Digest">Tells a retry from another request under the same <paramref name="IdempotencyKey"/>.</param>
/// <param name="WasPutOff">Whether it was asked before, and what is due of its account has to be settled first.</param>
internal sealed record HoldItem(Guid UserId, HoldRequest Wanted, string? IdempotencyKey, byte[] Digest, bool WasPutOff = false);
