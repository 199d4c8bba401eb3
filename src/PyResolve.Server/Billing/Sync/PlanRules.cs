using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Billing.Sync;

/// <summary>The rules are a table in docs/stripe.md.</summary>
internal static class PlanRules
{
    public static bool IsOver(StripeSubscription subscription) => subscription.Status is "canceled" or "incomplete_expired";

    public static IEnumerable<StripeSubscription> InForce(IEnumerable<StripeSubscription> subscriptions) =>
        subscriptions.Where(static subscription => !IsOver(subscription));

    /// <summary><paramref name="grace"/> is how long a plan lasts after a failed payment.</summary>
    public static BillingState ChooseState(
        IEnumerable<StripeSubscription> subscriptions, Func<string, string?> planOfPrice, BillingState before, TimeSpan grace,
        DateTimeOffset now)
    {
        var memories = SubscriptionMemories.Read(before.Remembered);
        var outcomes = subscriptions
            .Select(subscription =>
                Decide(subscription, planOfPrice, memories.GetValueOrDefault(subscription.Id) ?? SubscriptionMemory.None, grace, now))
            .ToList();
        if (outcomes.Count == 0)
            return BillingState.None;

        var grants = outcomes
            .Where(outcome => outcome.Grants)
            .OrderByDescending(Rank)
            .ThenByDescending(End)
            .ThenByDescending(Created)
            .ToList();
        var shown = grants.FirstOrDefault() ?? outcomes
            .OrderBy(outcome => IsOver(outcome.Subscription))
            .ThenByDescending(outcome => outcome.Subscription.Id == before.SubscriptionId && !IsOver(outcome.Subscription))
            .ThenByDescending(Created)
            .First();
        var flags = outcomes.SelectMany(outcome => outcome.Flags);
        if (outcomes.Count(outcome => outcome.IsEntitled) > 1)
            flags = flags.Append(ReviewFlags.Duplicate);

        return new BillingState
        {
            SubscriptionId = shown.Subscription.Id,
            Status = shown.Subscription.Status,
            Plan = shown.Grants ? shown.Plan! : PlanCatalog.Free,
            PlanUntil = shown.Grants ? shown.Until : null,
            // Only a subscription without an end is certain to be in force then.
            PlanThen = grants.Skip(1).FirstOrDefault(grant => shown.Until is not null && grant.Until is null)?.Plan ?? PlanCatalog.Free,
            Quantity = shown.Item?.Quantity,
            Cancelling = shown.IsCancelling,
            CurrentPeriodEnd = shown.PeriodEnd,
            GraceEndsAt = shown.Memory.PastDueSince + grace,
            Remembered = SubscriptionMemories.Write(outcomes
                .Where(outcome => !IsOver(outcome.Subscription))
                .Select(outcome => KeyValuePair.Create(outcome.Subscription.Id, outcome.Memory))),
            Flags = string.Join(' ', flags.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)),
        };
    }

    private static SubscriptionOutcome Decide(
        StripeSubscription subscription, Func<string, string?> planOfPrice, SubscriptionMemory before, TimeSpan grace, DateTimeOffset now)
    {
        var item = ChooseItem(subscription, planOfPrice);
        var mapped = item?.Price is { } price ? planOfPrice(price.Id) : null;
        var isOver = IsOver(subscription);
        var periodEnd = item?.CurrentPeriodEnd
            ?? subscription.CurrentPeriodEnd
            ?? (subscription.Items?.Data is [var first, ..] ? first.CurrentPeriodEnd : null);
        DateTimeOffset? pastDueSince = subscription.Status == "past_due" ? before.PastDueSince ?? now : null;
        // Invoices are voided: the plan ends with the period that was paid for, although Stripe begins further periods.
        var voidFrom = subscription.PauseCollection?.Behavior == "void" ? before.VoidFrom ?? periodEnd : null;
        var until = Earliest(pastDueSince + grace, subscription.CancelAt, subscription.CancelAtPeriodEnd ? periodEnd : null, voidFrom);

        var flags = new List<string>();
        bool isEntitled;
        switch (subscription.Status)
        {
            case "active" or "trialing" or "past_due":
                isEntitled = true;
                break;
            case "canceled" or "incomplete" or "incomplete_expired" or "paused" or "unpaid":
                isEntitled = false;
                break;
            default:
                isEntitled = before.IsEntitled;
                flags.Add(ReviewFlags.UnknownStatus);
                break;
        }

        if (subscription.IsDisputed && !isOver)
            flags.Add(ReviewFlags.Disputed);
        isEntitled = isEntitled && !subscription.IsDisputed && (until is null || now < until);
        if (mapped is null && !isOver)
            flags.Add(ReviewFlags.UnknownPrice);
        var plan = mapped ?? before.Plan;
        return new SubscriptionOutcome(
            subscription,
            item,
            plan,
            isEntitled,
            until,
            // Only a plan that was granted is remembered, not one that was never paid for.
            new SubscriptionMemory(isEntitled ? plan : before.Plan, isEntitled, pastDueSince, voidFrom),
            periodEnd,
            IsCancelling: !isOver && (subscription.CancelAtPeriodEnd || subscription.CancelAt is not null),
            flags);
    }

    /// <summary>The item of the greatest plan, or the first where no plan is known. Metered items are extras.</summary>
    private static StripeSubscriptionItem? ChooseItem(StripeSubscription subscription, Func<string, string?> planOfPrice)
    {
        var licensed = (subscription.Items?.Data ?? []).Where(static item => item.Price?.Recurring?.UsageType != "metered");
        return licensed.MaxBy(item => item.Price is { } price ? PlanCatalog.Rank(planOfPrice(price.Id)) : -1);
    }

    private static DateTimeOffset? Earliest(params ReadOnlySpan<DateTimeOffset?> instants)
    {
        DateTimeOffset? earliest = null;
        foreach (var instant in instants)
        {
            if (instant is not null && (earliest is null || instant < earliest))
                earliest = instant;
        }

        return earliest;
    }

    private static int Rank(SubscriptionOutcome outcome) => PlanCatalog.Rank(outcome.Plan);

    private static DateTimeOffset End(SubscriptionOutcome outcome) => outcome.Until ?? DateTimeOffset.MaxValue;

    private static DateTimeOffset Created(SubscriptionOutcome outcome) => outcome.Subscription.Created ?? DateTimeOffset.MinValue;

    private sealed record SubscriptionOutcome(
        StripeSubscription Subscription, StripeSubscriptionItem? Item, string? Plan, bool IsEntitled, DateTimeOffset? Until,
        SubscriptionMemory Memory, DateTimeOffset? PeriodEnd, bool IsCancelling, IReadOnlyList<string> Flags)
    {
        public bool Grants => IsEntitled && Plan is not null;
    }
}
