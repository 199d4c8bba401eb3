using PyResolve.Server.Billing.Gateway;

namespace PyResolve.Server.Billing.Sync;

/// <summary>Marks the subscriptions whose payment is disputed.</summary>
internal sealed class DisputeMarks(IStripeGateway stripe, PriceMap prices)
{
    private static readonly TimeSpan MaxDisputeAge = TimeSpan.FromDays(120);

    public async Task<IReadOnlyList<StripeSubscription>> MarkAsync(
        string customerId, IReadOnlyList<StripeSubscription> subscriptions, List<StripeSubscription> inForce,
        string remembered, CancellationToken cancellationToken)
    {
        // A subscription is created after its first payment, which can be disputed for about 120 days.
        var first = inForce.Min(static subscription => subscription.Created);
        var since = first - MaxDisputeAge ?? DateTimeOffset.UnixEpoch;
        var disputes = (await stripe.ListDisputesAsync(customerId, since, cancellationToken))
            .Where(static dispute => dispute.FundsWithdrawn)
            .ToList();
        // The customer may buy other things of the same business: only what was paid for one of ours counts.
        var ours = await ListOurIdsAsync(
            subscriptions.Where(subscription => disputes.Exists(dispute => dispute.Subscription == subscription.Id)),
            remembered,
            cancellationToken);
        disputes.RemoveAll(dispute => dispute.Subscription is not { } id || !ours.Contains(id));
        return [.. subscriptions.Select(subscription => subscription with { IsDisputed = IsDisputed(subscription) })];

        // A subscription that began after the dispute was paid for again.
        bool IsDisputed(StripeSubscription subscription) => disputes.Exists(dispute => !(dispute.Created < subscription.Created));
    }

    /// <summary>Lists the ids of our subscriptions, also of those that have ended.</summary>
    private async Task<HashSet<string>> ListOurIdsAsync(
        IEnumerable<StripeSubscription> subscriptions, string remembered, CancellationToken cancellationToken)
    {
        var memories = SubscriptionMemories.Read(remembered);
        var ours = new HashSet<string>(StringComparer.Ordinal);
        foreach (var subscription in subscriptions)
        {
            if (memories.GetValueOrDefault(subscription.Id)?.Plan is not null
                || await prices.HasPlanAsync(subscription, cancellationToken))
                ours.Add(subscription.Id);
        }

        return ours;
    }
}
