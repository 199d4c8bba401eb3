using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Billing.Sync;

/// <param name="Grace">How long a plan lasts after a failed renewal.</param>
/// <param name="UnknownPrice">How long it lasts after its price was replaced by one without a plan.</param>
internal sealed record PlanTerms(PlanCatalog Plans, TimeSpan Grace, TimeSpan UnknownPrice);

/// <summary>The rules by which subscriptions grant plans, which are a table in docs/stripe.md.</summary>
internal static class PlanRules
{
    public static bool IsOver(StripeSubscription subscription) => subscription.Status is "canceled" or "incomplete_expired";

    public static IEnumerable<StripeSubscription> InForce(IEnumerable<StripeSubscription> subscriptions) =>
        subscriptions.Where(static subscription => !IsOver(subscription));

    /// <summary>Whether what is used while the subscription is in this status comes onto an invoice, sooner or later.</summary>
    public static bool InvoicesUsage(StripeSubscription subscription) =>
        !IsOver(subscription)
        && subscription is { Status: not ("incomplete" or "trialing" or "paused") } and not { PauseCollection.Behavior: "void" };

    /// <summary>Whether the latest invoice is unpaid, or nobody tries to collect it: more would be used on credit.</summary>
    public static bool IsUnpaid(StripeSubscription subscription) =>
        subscription is { Status: "past_due" or "unpaid" } or { PauseCollection: not null };

    /// <summary>
    /// Chooses the subscriptions in force that are ours: those with a price that has a plan, or that have given a plan before. A customer
    /// may have others, such as a support contract made by hand: they block no checkout, are no duplicates, and do not end with the
    /// account.
    /// </summary>
    public static IReadOnlyList<StripeSubscription> OursInForce(
        IEnumerable<StripeSubscription> subscriptions, Func<string, string?> planOfPrice, string remembered)
    {
        var memories = SubscriptionMemories.Read(remembered);
        return
        [
            .. InForce(subscriptions).Where(subscription => memories.GetValueOrDefault(subscription.Id)?.Plan is not null
                || (subscription.Items?.Data ?? []).Any(item => item.Price is { } price && planOfPrice(price.Id) is not null)),
        ];
    }

    public static BillingState ChooseState(
        IEnumerable<StripeSubscription> subscriptions, Func<string, string?> planOfPrice, BillingState before, PlanTerms terms,
        DateTimeOffset now)
    {
        var memories = SubscriptionMemories.Read(before.Remembered);
        var outcomes = subscriptions
            .Select(subscription =>
                Decide(subscription, planOfPrice, memories.GetValueOrDefault(subscription.Id) ?? SubscriptionMemory.None, terms, now))
            .ToList();
        // What an ended one gave is remembered no more; that it was shown is.
        var ours = outcomes
            .Where(outcome => outcome.IsOurs || (IsOver(outcome.Subscription) && outcome.Subscription.Id == before.SubscriptionId))
            .ToList();
        var remembered = SubscriptionMemories.Write(outcomes
            .Where(outcome => !IsOver(outcome.Subscription))
            .Select(outcome => KeyValuePair.Create(outcome.Subscription.Id, outcome.Memory)));
        // Beside one of ours, a subscription without a plan is another business of the customer's.
        var hasOurs = ours.Exists(outcome => !IsOver(outcome.Subscription));
        var flags = (hasOurs ? ours : outcomes).SelectMany(outcome => outcome.Flags);
        // Without one of ours there is only something for the operator to review: what else the customer pays for is nothing to us.
        if (ours.Count == 0)
            return new BillingState { Remembered = remembered, Flags = Join(flags) };

        var grants = outcomes
            .Where(outcome => outcome.Grants)
            .OrderByDescending(outcome => terms.Plans.Rank(outcome.Plan))
            .ThenByDescending(outcome => terms.Plans.Find(outcome.Plan) is { PerSeat: true } ? outcome.Quantity ?? 1 : 1)
            .ThenByDescending(End)
            .ThenByDescending(Created)
            .ToList();
        var shown = grants.FirstOrDefault() ?? ours
            .OrderBy(outcome => IsOver(outcome.Subscription))
            .ThenByDescending(outcome => outcome.Subscription.Id == before.SubscriptionId && !IsOver(outcome.Subscription))
            .ThenByDescending(Created)
            .First();
        if (grants.Count > 1)
            flags = flags.Append(ReviewFlags.Duplicate);

        return new BillingState
        {
            SubscriptionId = shown.Subscription.Id,
            Status = shown.Subscription.Status,
            Plan = shown.Grants ? shown.Plan! : PlanCatalog.Free,
            PlanUntil = shown.Grants ? shown.Until : null,
            // Only a subscription without an end is certain to be in force then.
            PlanThen = grants.Skip(1).FirstOrDefault(grant => shown.Until is not null && grant.Until is null)?.Plan ?? PlanCatalog.Free,
            Quantity = shown.Quantity,
            Interval = shown.Item?.Price?.Recurring?.Interval,
            TrialEndsAt = shown.Subscription.Status == "trialing" ? shown.Subscription.TrialEnd : null,
            ScheduledPlan = shown.ScheduledPlan,
            ScheduledAt = shown.ScheduledPlan is null ? null : shown.Subscription.NextPhase?.Start,
            Cancelling = shown.IsCancelling,
            CurrentPeriodEnd = shown.PeriodEnd,
            GraceEndsAt = shown.Memory.PastDueSince + terms.Grace,
            Remembered = remembered,
            Flags = Join(flags),
        };
    }

    private static string Join(IEnumerable<string> flags) =>
        string.Join(' ', flags.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));

    private static SubscriptionOutcome Decide(
        StripeSubscription subscription, Func<string, string?> planOfPrice, SubscriptionMemory before, PlanTerms terms, DateTimeOffset now)
    {
        var item = ChooseItem(subscription, planOfPrice, terms.Plans);
        var mapped = item?.Price is { } price ? planOfPrice(price.Id) : null;
        var isOver = IsOver(subscription);
        var periodEnd = item?.CurrentPeriodEnd
            ?? subscription.CurrentPeriodEnd
            ?? (subscription.Items?.Data is [var first, ..] ? first.CurrentPeriodEnd : null);
        var payment = ReadPayment(subscription, item, before);
        DateTimeOffset? pastDueSince = payment.IsLate ? before.PastDueSince ?? now : null;
        // Invoices are voided: the plan ends with the period that was paid for, although Stripe begins further periods.
        var voidFrom = subscription.PauseCollection?.Behavior == "void" ? before.VoidFrom ?? periodEnd : null;
        DateTimeOffset? unknownSince = mapped is null && before.Plan is not null && !isOver ? before.UnknownSince ?? now : null;
        var until = Earliest(
            pastDueSince + terms.Grace, subscription.CancelAt, subscription.CancelAtPeriodEnd ? periodEnd : null, voidFrom,
            unknownSince + terms.UnknownPrice);

        var flags = new List<string>();
        bool isEntitled;
        switch (subscription.Status)
        {
            case "active" or "trialing":
                isEntitled = true;
                break;
            case "past_due":
                isEntitled = !payment.NeverPaid;
                break;
            case "canceled" or "incomplete" or "incomplete_expired" or "paused" or "unpaid":
                isEntitled = false;
                break;
            default:
                isEntitled = before.IsEntitled;
                flags.Add(ReviewFlags.UnknownStatus);
                break;
        }

        var isOurs = mapped is not null || before.Plan is not null;
        if (subscription.IsDisputed && !isOver && isOurs)
            flags.Add(ReviewFlags.Disputed);
        isEntitled = isEntitled && !subscription.IsDisputed && (until is null || now < until);
        if (mapped is null && !isOver)
            flags.Add(ReviewFlags.UnknownPrice);
        if (terms.Plans.FindSold(mapped) is { PerSeat: false } && item!.Quantity > 1 && !isOver)
            flags.Add(ReviewFlags.NeedlessQuantity);
        var (plan, quantity) = (mapped ?? before.Plan, item?.Quantity);
        // What a late payment would have paid for is not given before it is paid.
        if (payment is { IsLate: true, IsOfChange: true })
        {
            var isPlanBefore = terms.Plans.Rank(payment.PaidPlan) < terms.Plans.Rank(plan);
            plan = isPlanBefore ? payment.PaidPlan : plan;
            quantity = isPlanBefore || quantity > payment.PaidQuantity ? payment.PaidQuantity : quantity;
        }

        return new SubscriptionOutcome(
            subscription,
            item,
            plan,
            quantity,
            isEntitled,
            until,
            // Only a plan that was granted is remembered, not one that was never paid for.
            new SubscriptionMemory(
                isEntitled ? plan : before.Plan, isEntitled, pastDueSince, voidFrom, payment.NeverPaid, payment.PaidPlan, unknownSince,
                AboveOne(isEntitled ? quantity : before.Quantity), AboveOne(payment.PaidQuantity), subscription.Bills,
                HasExtras: subscription.Items?.Data.Count > 1),
            periodEnd,
            IsCancelling: !isOver && (subscription.CancelAtPeriodEnd || subscription.CancelAt is not null),
            ScheduledPlan: isOver ? null : ChooseScheduledPlan(subscription, planOfPrice, terms.Plans),
            isOurs,
            flags);
    }

    /// <summary>
    /// Reads the state of the payment. Grace is for a renewal. Where the first payment fails, also that after a trial, nothing was ever
    /// paid; where the payment for a change fails, the plan before stays.
    /// </summary>
    private static Payment ReadPayment(StripeSubscription subscription, StripeSubscriptionItem? item, SubscriptionMemory before)
    {
        var unpaid = subscription.LatestInvoice is { Status: "draft" or "open" or "uncollectible" } invoice ? invoice : null;
        var isPastDue = subscription.Status == "past_due";
        var isFirst = unpaid is { BillingReason: "subscription_create" }
            || (unpaid is { BillingReason: "subscription_cycle" } && item?.CurrentPeriodStart <= subscription.TrialEnd);
        var isOfChange = unpaid is { BillingReason: "subscription_update" } || (isPastDue && before.PaidPlan is not null);
        var neverPaid = isPastDue && (before.NeverPaid || isFirst);
        return new Payment(
            IsLate: isPastDue && !neverPaid,
            neverPaid,
            isOfChange,
            PaidPlan: isOfChange ? before.PaidPlan ?? before.Plan : null,
            PaidQuantity: isOfChange ? (before.PaidPlan is null ? before.Quantity : before.PaidQuantity) ?? 1 : null);
    }

    /// <summary>The quantity to remember. A quantity of one is left out, so that the memory of most subscriptions has none.</summary>
    private static long? AboveOne(long? quantity) => quantity > 1 ? quantity : null;

    private static string? ChooseScheduledPlan(
        StripeSubscription subscription, Func<string, string?> planOfPrice, PlanCatalog plans) =>
        (subscription.NextPhase?.Prices ?? []).Select(planOfPrice).MaxBy(plans.Rank);

    /// <summary>Chooses the item of the greatest plan, or the first that is no extra where no plan is known.</summary>
    public static StripeSubscriptionItem? ChooseItem(
        StripeSubscription subscription, Func<string, string?> planOfPrice, PlanCatalog plans) =>
        (subscription.Items?.Data ?? [])
            .Select(item => (Item: item, Plan: item.Price is { } price ? planOfPrice(price.Id) : null))
            .Where(static candidate => candidate.Plan is not null || candidate.Item.Price is not { IsMetered: true })
            .OrderByDescending(candidate => plans.Rank(candidate.Plan))
            .Select(static candidate => candidate.Item)
            .FirstOrDefault();

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

    private static DateTimeOffset End(SubscriptionOutcome outcome) => outcome.Until ?? DateTimeOffset.MaxValue;

    private static DateTimeOffset Created(SubscriptionOutcome outcome) => outcome.Subscription.Created ?? DateTimeOffset.MinValue;

    private sealed record SubscriptionOutcome(
        StripeSubscription Subscription, StripeSubscriptionItem? Item, string? Plan, long? Quantity, bool IsEntitled,
        DateTimeOffset? Until, SubscriptionMemory Memory, DateTimeOffset? PeriodEnd, bool IsCancelling, string? ScheduledPlan, bool IsOurs,
        IReadOnlyList<string> Flags)
    {
        public bool Grants => IsEntitled && Plan is not null;
    }

    /// <param name="IsLate">It is past due, and was paid before.</param>
    /// <param name="NeverPaid">It is past due, and was not.</param>
    /// <param name="IsOfChange">What is unpaid is a change.</param>
    /// <param name="PaidPlan">The plan before that change.</param>
    /// <param name="PaidQuantity">The quantity before it.</param>
    private sealed record Payment(bool IsLate, bool NeverPaid, bool IsOfChange, string? PaidPlan, long? PaidQuantity);
}
