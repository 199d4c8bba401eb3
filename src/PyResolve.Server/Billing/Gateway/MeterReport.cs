using System.Globalization;

namespace PyResolve.Server.Billing.Gateway;

/// <summary>Overage that Stripe is to bill. <c>Tries</c> includes this one.</summary>
internal sealed record MeterReport(string Identifier, Guid UserId, string Plan, long Units, DateTimeOffset UsedAt, int Tries)
{
    /// <summary>Stripe keeps an answer under a key for a day, also a refusal. It knows a repetition by the identifier.</summary>
    public string IdempotencyKey => string.Create(CultureInfo.InvariantCulture, $"{Identifier}:{Tries}");

    /// <summary>Whether Stripe may have it by an earlier try.</summary>
    public bool MayBeKnown { get; init; }

    /// <summary>null: the account is no customer.</summary>
    public string? CustomerId { get; init; }
}
