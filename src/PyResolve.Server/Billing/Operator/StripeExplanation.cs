using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Billing.Webhooks;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Operator;

internal sealed record ExplainedSubscription(
    string Id, string Status, string? Price, string? PriceIsOf, string Gives, DateTimeOffset? Until, string? Because);

/// <summary>
/// A customer with what explains its plan. <c>Subscriptions</c> is what Stripe has now: null where it no longer has the customer.
/// </summary>
internal sealed record ExplainedCustomer(
    string Id, bool IsLinked, IReadOnlyList<ExplainedSubscription>? Subscriptions, IReadOnlyList<InboxEvent> Events);

/// <param name="Profile">As it is stored.</param>
/// <param name="Plan">What counts now, by the catalogue's name, as the two that follow.</param>
/// <param name="Then">What counts when it ends.</param>
/// <param name="Least">What an operator gave, and has not ended; null: nothing.</param>
/// <param name="Customers">At Stripe.</param>
internal sealed record ExplainedPlan(
    ProfilePlan Profile, string Plan, string Then, string? Least, IReadOnlyList<ExplainedCustomer> Customers);

/// <summary>
/// Explains why an account has the plan that it has: from the profile, from Stripe as it is now, and from the latest events.
/// </summary>
internal sealed class StripeExplanation(
    BillingCustomers customers, CustomerSync sync, PriceMap prices, PlanCatalog plans, Inbox inbox, BillingOptions options,
    TimeProvider time)
{
    private const int MaxEvents = 10;

    /// <returns>null where there is no such account.</returns>
    public async Task<ExplainedPlan?> ReadAsync(Guid userId, CancellationToken cancellationToken)
    {
        if (await customers.FindProfileAsync(userId, cancellationToken) is not { } profile)
            return null;
        var found = new List<ExplainedCustomer>();
        var linked = await customers.FindLinkedAsync(userId, cancellationToken);
        if (linked is not null)
            found.Add(await ReadCustomerAsync(linked.Id, linked.State, isLinked: true, cancellationToken));
        foreach (var unlinked in await customers.ListUnlinkedAsync(userId, cancellationToken))
            found.Add(await ReadCustomerAsync(unlinked, BillingState.None, isLinked: false, cancellationToken));
        var now = time.GetInstant();
        var plan = profile.Until <= now && !profile.IsSetByOperator ? profile.Then : profile.Plan;
        var least = profile.WithoutEndedOverride(now).Override;
        return new ExplainedPlan(
            profile, plans.NameOf(plan), plans.NameOf(profile.Then), least is null ? null : plans.NameOf(least), found);
    }

    private async Task<ExplainedCustomer> ReadCustomerAsync(
        string customerId, BillingState stored, bool isLinked, CancellationToken cancellationToken)
    {
        var events = await inbox.ListOfCustomerAsync(customerId, MaxEvents, cancellationToken);
        var (subscriptions, isGone) = await sync.FetchAsync(customerId, stored.Remembered, cancellationToken);
        if (isGone)
            return new ExplainedCustomer(customerId, isLinked, Subscriptions: null, events);
        var planOfPrice = await prices.ResolveAsync(subscriptions, asksForEnded: true, cancellationToken);
        var explained = new List<ExplainedSubscription>();
        foreach (var subscription in subscriptions)
        {
            var alone = await sync.ChooseStateAsync([subscription], stored, cancellationToken);
            // The one that counts, among several.
            var item = PlanRules.ChooseItem(subscription, planOfPrice, plans)
                ?? (subscription.Items?.Data is [var first, ..] ? first : null);
            var price = item?.Price?.Id;
            var gives = alone.Plan == BillingState.None.Plan ? null : alone.Plan;
            explained.Add(new ExplainedSubscription(
                subscription.Id, subscription.Status, price, price is null ? null : planOfPrice(price), gives ?? "nothing",
                alone.PlanUntil, gives is null ? ReasonOf(subscription, alone) : null));
        }

        return new ExplainedCustomer(customerId, isLinked, explained, events);
    }

    private string ReasonOf(StripeSubscription subscription, BillingState alone) => subscription.Status switch
    {
        "canceled" => "it has ended",
        "incomplete" => "its first payment has not been made",
        "incomplete_expired" => "its first payment was never made",
        "paused" => "its trial ended without a way to pay",
        "unpaid" => "its payments were given up",
        _ when alone.Flags.Contains(ReviewFlags.Disputed, StringComparison.Ordinal) => "a payment is disputed",
        _ when alone.Flags.Contains(ReviewFlags.UnknownStatus, StringComparison.Ordinal) => "this version does not know its status",
        _ when alone.Flags.Contains(ReviewFlags.UnknownPrice, StringComparison.Ordinal) =>
            "its price has no plan: it is not in the settings, has no lookup key of ours, and its product's metadata name none",
        "past_due" when alone.GraceEndsAt is null => "it is past due, and its first invoice was never paid",
        "past_due" => $"it has been past due for more than {options.Grace.TotalDays:0} days",
        _ => "it is set to end, and its end has passed",
    };
}
