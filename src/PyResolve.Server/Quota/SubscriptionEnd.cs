using PyResolve.Server.Ledger;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Quota;

/// <summary>
/// When the account's subscription ends, where that is known. The plan may last longer where an operator gave it too, but from then on
/// nothing bills overage.
/// </summary>
internal static class SubscriptionEnd
{
    /// <summary>The end of the subscription of the profile <c>p</c>, in the mode of Stripe that is in use.</summary>
    public static SqlPart Column(CreditOrigins origins) => new(
        $"""
        (select c.plan_until from billing_customers c
         where c.origin = {origins.First} and c.user_id = p.id and c.unlinked_at is null)
        """);

    /// <returns>The earlier of both; null: neither is known.</returns>
    public static DateTimeOffset? OrEarlier(this DateTimeOffset? planEnds, DateTimeOffset? subscriptionEnds) =>
        planEnds is null || subscriptionEnds < planEnds ? subscriptionEnds : planEnds;
}
