using System.Globalization;

namespace PyResolve.Server.Billing.Gateway;

/// <summary>Overage that Stripe is to bill. <c>Tries</c> includes this one.</summary>
internal sealed record MeterReport(string Identifier, Guid UserId, string Plan, long Units, DateTimeOffset UsedAt, int Tries)
{
    private static readonly TimeSpan LatestInPeriod = TimeSpan.FromMinutes(50);

    /// <summary>
    /// The key of this try. Stripe keeps an answer under a key for a day, also a refusal; it knows a repetition by the identifier.
    /// </summary>
    public string IdempotencyKey => string.Create(CultureInfo.InvariantCulture, $"{Identifier}:{Tries}");

    /// <summary>Whether Stripe may have it by an earlier try.</summary>
    public bool MayBeKnown { get; init; }

    /// <summary>The customer; null: the account has none.</summary>
    public string? CustomerId { get; init; }

    /// <summary>Whether a subscription bills it, by what the latest sync has stored.</summary>
    public bool IsBilled { get; init; }

    /// <summary>Why the latest try failed; null: there was none.</summary>
    public string? Failure { get; init; }

    /// <summary>
    /// When Stripe is to count it; the same for each try that may follow one that arrived. Stripe closes a period an hour after its end,
    /// and what counts in it from then on comes onto no invoice: what is late counts when it was first sent.
    /// </summary>
    public DateTimeOffset CountsAt => FirstTriedAt - UsedAt > LatestInPeriod ? FirstTriedAt : UsedAt;

    /// <summary>The earliest try that may have arrived, or else this one.</summary>
    public DateTimeOffset FirstTriedAt { get; init; } = UsedAt;
}
