using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Plans;
using PyResolve.Server.Quota;

namespace PyResolve.Server.Billing.Sync;

/// <summary>From subscriptions, as Stripe has them at one moment, to the plan. The table is in docs/stripe.md.</summary>
internal static class PlanRules
{
    /// <summary>Whether the subscription is over for good; otherwise the account has one, whatever its state.</summary>
    public static bool IsOver(StripeSubscription subscription) => subscription.Status is "canceled" or "incomplete_expired";

    /// <summary>Those that are not over.</summary>
    public static IEnumerable<StripeSubscription> InForce(IEnumerable<StripeSubscription> subscriptions) => subscriptions.Where(static subscription => !IsOver(subscription));

    /// <param name="subscriptions">All of the customer's.</param>
    /// <param name="planOfPrice">The plan that a price id stands for, where one is known.</param>
    /// <param name="before">What was found the last time.</param>
    /// <param name="grace">How long a plan outlives a payment that failed.</param>
    /// <param name="now">The instant to judge at.</param>
    public static Standing Judge(
        IEnumerable<StripeSubscription> subscriptions, Func<string, string?> planOfPrice, Standing before, TimeSpan grace, DateTimeOffset now)
    {
        var memories = SubscriptionMemories.Read(before.Remembered);
        var verdicts = subscriptions
            .Select(subscription => Judge(subscription, planOfPrice, memories.GetValueOrDefault(subscription.Id) ?? SubscriptionMemory.None, grace, now))
            .ToList();
        if (verdicts.Count == 0)
            return Standing.None;

        var grants = verdicts.Where(verdict => verdict.Grants).OrderByDescending(Rank).ThenByDescending(End).ThenByDescending(Created).ToList();
        var shown = grants.FirstOrDefault() ?? verdicts
            .OrderBy(verdict => IsOver(verdict.Subscription))
            .ThenByDescending(verdict => verdict.Subscription.Id == before.SubscriptionId && !IsOver(verdict.Subscription))
            .ThenByDescending(Created)
            .First();
        var flags = verdicts.SelectMany(verdict => verdict.Flags);
        if (verdicts.Count(verdict => verdict.IsEntitled) > 1)
            flags = flags.Append(StandingFlags.Duplicate);

        return new Standing
        {
            SubscriptionId = shown.Subscription.Id,
            Status = shown.Subscription.Status,
            Plan = shown.Grants ? shown.Plan! : PlanCatalog.Free,
            PlanUntil = shown.Grants ? shown.Until : null,
            // Only what goes on without an end is certain to be there.
            PlanThen = grants.Skip(1).FirstOrDefault(grant => shown.Until is not null && grant.Until is null)?.Plan ?? PlanCatalog.Free,
            Quantity = shown.Item?.Quantity,
            Cancelling = shown.IsCancelling,
            CurrentPeriodEnd = shown.PeriodEnd,
            GraceEndsAt = shown.Memory.PastDueSince + grace,
            // What is over never counts again.
            Remembered = SubscriptionMemories.Write(verdicts
                .Where(verdict => !IsOver(verdict.Subscription))
                .Select(verdict => KeyValuePair.Create(verdict.Subscription.Id, verdict.Memory))),
            Flags = string.Join(' ', flags.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)),
        };
    }

    private static Verdict Judge(
        StripeSubscription subscription, Func<string, string?> planOfPrice, SubscriptionMemory before, TimeSpan grace, DateTimeOffset now)
    {
        var item = ChooseItem(subscription, planOfPrice);
        var mapped = item?.Price is { } price ? planOfPrice(price.Id) : null;
        var isOver = IsOver(subscription);
        var periodEnd = item?.CurrentPeriodEnd ?? subscription.CurrentPeriodEnd ?? (subscription.Items?.Data is [var any, ..] ? any.CurrentPeriodEnd : null);
        DateTimeOffset? pastDueSince = subscription.Status == "past_due" ? before.PastDueSince ?? now : null;
        // Invoices are voided: what was paid for lasts, and nothing follows, though periods go on.
        var voidFrom = subscription.PauseCollection?.Behavior == "void" ? before.VoidFrom ?? periodEnd : null;
        var until = Earliest(
            pastDueSince + grace,
            subscription.CancelAt,
            subscription.CancelAtPeriodEnd ? periodEnd : null,
            voidFrom);

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
                flags.Add(StandingFlags.UnknownStatus);
                break;
        }

        if (subscription.IsDisputed && !isOver)
            flags.Add(StandingFlags.Disputed);
        isEntitled = isEntitled && !subscription.IsDisputed && (until is null || now < until);
        if (mapped is null && !isOver)
            flags.Add(StandingFlags.UnknownPrice);
        var plan = mapped ?? before.Plan;
        return new Verdict
        {
            Subscription = subscription,
            Item = item,
            Plan = plan,
            IsEntitled = isEntitled,
            Until = until,
            // What was never paid for is not what the subscription gave.
            Memory = new SubscriptionMemory(isEntitled ? plan : before.Plan, isEntitled, pastDueSince, voidFrom),
            PeriodEnd = periodEnd,
            IsCancelling = !isOver && (subscription.CancelAtPeriodEnd || subscription.CancelAt is not null),
            Flags = flags,
        };
    }

    /// <summary>The one of the greatest plan; metered ones are extras. Where no plan is known, the first.</summary>
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

    private static int Rank(Verdict verdict) => PlanCatalog.Rank(verdict.Plan);

    private static DateTimeOffset End(Verdict verdict) => verdict.Until ?? DateTimeOffset.MaxValue;

    private static DateTimeOffset Created(Verdict verdict) => verdict.Subscription.Created ?? DateTimeOffset.MinValue;

    private sealed record Verdict
    {
        public required StripeSubscription Subscription { get; init; }

        public required StripeSubscriptionItem? Item { get; init; }

        public required string? Plan { get; init; }

        public required bool IsEntitled { get; init; }

        public required DateTimeOffset? Until { get; init; }

        public required SubscriptionMemory Memory { get; init; }

        public required DateTimeOffset? PeriodEnd { get; init; }

        public required bool IsCancelling { get; init; }

        public required IReadOnlyList<string> Flags { get; init; }

        public bool Grants => IsEntitled && Plan is not null;
    }
}
