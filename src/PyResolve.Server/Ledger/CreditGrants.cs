using PyResolve.Server.Storage;

namespace PyResolve.Server.Ledger;

/// <summary>
/// Credits to give. The same <c>Reference</c> gives an account credits once: a payment of which Stripe tells twice, or a form that is sent
/// twice.
/// </summary>
internal sealed record NewCredits(Guid UserId, string Source, string Reference, int Units, DateTimeOffset? ExpiresAt)
{
    public const string Purchase = "purchase";
    public const string Operator = "operator";
}

/// <summary>Gives credits and takes them back, within the caller's transaction.</summary>
internal static class CreditGrants
{
    /// <returns>Whether this call gave them; false: an earlier one did.</returns>
    public static async Task<bool> AddAsync(
        Session session, NewCredits credits, DateTimeOffset now, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            insert into credit_grants (user_id, id, source, reference, units, expires_at, created_at)
            values ({credits.UserId}, {Ids.Create(now)}, {credits.Source}, {credits.Reference}, {credits.Units}, {credits.ExpiresAt}, {now})
            on conflict do nothing
            """,
            cancellationToken) == 1;

    /// <summary>Sets how many are taken back. Units that are drawn stay drawn; when they return, nobody can draw them again.</summary>
    /// <param name="session">The caller's transaction.</param>
    /// <param name="userId">Whose.</param>
    /// <param name="reference">Of the grant.</param>
    /// <param name="percent">Of its units, rounded up: what was refunded.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public static Task TakeBackAsync(
        Session session, Guid userId, string reference, int percent, CancellationToken cancellationToken) =>
        session.ExecuteAsync(
            $"""
            update credit_grants set taken = (units * {percent} + 99) / 100 where user_id = {userId} and reference = {reference}
            """,
            cancellationToken);
}
