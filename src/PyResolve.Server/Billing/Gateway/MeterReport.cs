namespace PyResolve.Server.Billing.Gateway;

/// <summary>Overage that Stripe is to bill. <c>Tries</c> includes this one.</summary>
internal sealed record MeterReport(string Identifier, Guid UserId, string Plan, long Units, DateTimeOffset UsedAt, int Tries)
{
    /// <summary>null: the account is no customer.</summary>
    public string? CustomerId { get; init; }
}
