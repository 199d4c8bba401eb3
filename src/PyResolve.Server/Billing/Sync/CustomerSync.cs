using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Metering;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Sync;

/// <summary>The result of a sync. <c>State</c> is what is stored now.</summary>
internal sealed record SyncResult(
    BillingState State, bool IsGone, bool HasChanged, IReadOnlyList<StripeSubscription> Subscriptions,
    IReadOnlyList<StripeSubscription> OursInForce)
{
    /// <summary>Whether one of our subscriptions, in any status but <c>incomplete</c>, has not ended.</summary>
    public bool HasSubscription => OursInForce.Any(static subscription => !IsIncomplete(subscription));

    /// <summary>The subscription that waits for a way to pay, if there is no other.</summary>
    public StripeSubscription? Paused => OursInForce.Where(static subscription => !IsIncomplete(subscription)).ToList()
        is [{ Status: "paused" } paused] ? paused : null;

    /// <summary>The subscriptions whose first payment was begun and not made: nobody has paid for them.</summary>
    public IEnumerable<StripeSubscription> Incomplete => OursInForce.Where(IsIncomplete);

    private static bool IsIncomplete(StripeSubscription subscription) => subscription.Status == "incomplete";
}

/// <summary>
/// What a sync would change. <c>OtherPlan</c> is the profile's where it differs; <c>Orphaned</c> is what would be ended for a deleted
/// account.
/// </summary>
internal sealed record SyncPreview(BillingState Before, BillingState Now, string? OtherPlan, IReadOnlyList<string> Orphaned)
{
    public bool HasChanges => Before != Now || OtherPlan is not null || Orphaned.Count > 0;
}

/// <summary>
/// Sets an account's plan from the subscriptions that Stripe has now. Nothing else changes a plan on Stripe's behalf: an event only
/// says when to sync. No transaction is open during a call to Stripe. Thread-safe.
/// </summary>
internal sealed partial class CustomerSync(
    BillingCustomers customers, SyncTokens tokens, SyncResults results, IStripeGateway stripe, PriceMap prices, PlanCatalog plans,
    BillingOptions options, TimeProvider time, CreditSync credits, OverageItems overage, DisputeMarks disputes, MeterSender meters,
    ILogger<CustomerSync> logger)
{
    /// <summary>How much longer a card is tried than its page is open, which is a day: events may be late.</summary>
    private static readonly TimeSpan ResumeTime = TimeSpan.FromHours(1);

    /// <summary>Syncs now, also while another sync of the customer runs: the result of the later fetch is kept.</summary>
    /// <returns>null where the customer is linked to no account.</returns>
    public async Task<SyncResult?> RunAsync(string customerId, CancellationToken cancellationToken) =>
        await tokens.BeginSyncAsync(customerId, cancellationToken) is { } token ? await RunAsync(token, cancellationToken) : null;

    public async Task<bool> TryRunAsync(string customerId, CancellationToken cancellationToken) =>
        await TryRunAsync(
            await tokens.TryLeaseAsync(customerId, cancellationToken), token => RunAsync(token, cancellationToken), cancellationToken);

    /// <summary>
    /// Looks only at the credits of a customer that was an account's and is so no longer, such as one that another has replaced: a bank
    /// debit for them may succeed later, and a payment may be refunded or disputed.
    /// </summary>
    /// <param name="customerId">The customer's.</param>
    /// <param name="because">Why its events are ignored where nothing has changed.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async Task TryRunUnlinkedAsync(string customerId, string because, CancellationToken cancellationToken) => await TryRunAsync(
        await tokens.TryLeaseUnlinkedAsync(customerId, cancellationToken),
        async token =>
        {
            var hasChanged = await SyncCreditsAsync(token, cancellationToken);
            await tokens.SettleUnlinkedAsync(token, hasChanged ? null : because, cancellationToken);
            return hasChanged;
        },
        cancellationToken);

    /// <returns>false: there is nothing to work on, or another works on it.</returns>
    private static async Task<bool> TryRunAsync<T>(
        SyncToken? taken, Func<SyncToken, Task<T>> work, CancellationToken cancellationToken)
    {
        if (taken is not { Lease: { } lease } token)
            return false;
        try
        {
            // Not cancelled when the lease is lost: fencing keeps the result of the later fetch.
            await lease.WorkAsync(_ => work(token), cancellationToken);
            return true;
        }
        catch
        {
            await lease.TryReleaseAsync();
            throw;
        }
    }

    public async Task<SyncPreview> PreviewAsync(string customerId, Guid userId, CancellationToken cancellationToken)
    {
        var known = await customers.FindAsync(customerId, cancellationToken);
        var before = known?.State ?? BillingState.None;
        var (subscriptions, isGone) = await FetchAsync(customerId, before.Remembered, cancellationToken);
        var now = isGone ? BillingState.None : await ChooseStateAsync(subscriptions, before, cancellationToken);
        var profile = await customers.FindProfileAsync(userId, cancellationToken);
        return new SyncPreview(
            before,
            now,
            profile is null || profile.Matches(now, options.Origin, plans) ? null : profile.Plan,
            profile is null && known is { IsLinked: true }
                ? await ListOrphanedAsync(customerId, await ListOursAsync(subscriptions, before, cancellationToken), cancellationToken)
                : []);
    }

    public async Task<BillingState> ChooseStateAsync(
        IReadOnlyList<StripeSubscription> subscriptions, BillingState before, CancellationToken cancellationToken)
    {
        var planOfPrice = await prices.ResolveAsync(subscriptions, cancellationToken);
        var marked = await overage.MarkAsync(subscriptions, cancellationToken);
        return PlanRules.ChooseState(marked, planOfPrice, before, Terms, time.GetInstant());
    }

    /// <summary>Lists those in force that are ours, whatever their status: see <see cref="PlanRules.OursInForce"/>.</summary>
    public async Task<IReadOnlyList<StripeSubscription>> ListOursAsync(
        IReadOnlyList<StripeSubscription> subscriptions, BillingState before, CancellationToken cancellationToken) =>
        PlanRules.OursInForce(subscriptions, await prices.ResolveAsync(subscriptions, cancellationToken), before.Remembered);

    private PlanTerms Terms => new(plans, options.Grace, options.UnknownPriceTime);

    private async Task<SyncResult> RunAsync(SyncToken token, CancellationToken cancellationToken)
    {
        // Before the fetch, which then shows what was paid for until now.
        var hasEnded = token.IsAccountDeleted && await CloseCheckoutsAsync(token.CustomerId, cancellationToken) > 0;
        var (subscriptions, isGone) = await FetchAsync(token.CustomerId, token.Remembered, cancellationToken);
        var planOfPrice = await prices.ResolveAsync(subscriptions, cancellationToken);
        var ours = PlanRules.OursInForce(subscriptions, planOfPrice, token.Remembered);
        if (!token.IsAccountDeleted && await ResumeAsync(token.CustomerId, ours, cancellationToken))
        {
            (subscriptions, isGone) = await FetchAsync(token.CustomerId, token.Remembered, cancellationToken);
            ours = PlanRules.OursInForce(subscriptions, planOfPrice, token.Remembered);
        }

        // Before the events are done: a failure is tried again.
        if (token.IsAccountDeleted)
        {
            await CancelAsync(token.CustomerId, ours, cancellationToken);
            hasEnded |= ours.Count > 0;
        }

        await SyncCreditsAsync(token, cancellationToken);
        var outcome = await results.ApplyAsync(
            token,
            isGone ? null : before => PlanRules.ChooseState(subscriptions, planOfPrice, before, Terms, time.GetInstant()),
            session => overage.CheckAsync(session, token.UserId, subscriptions, planOfPrice, cancellationToken),
            cancellationToken);

        if (outcome is { IsNewest: true, HasChanged: true })
            Log.Applied(logger, token.CustomerId, outcome.State.Plan, outcome.State.Status ?? "none");
        if (outcome is { IsNewest: true, HasChanged: true, State.Flags.Length: > 0 })
        {
            var flagged = outcome.State.SubscriptionId ?? PlanRules.InForce(subscriptions).FirstOrDefault()?.Id;
            Log.Flagged(logger, token.CustomerId, flagged, outcome.State.Flags);
        }

        return new SyncResult(outcome.State, isGone, outcome.HasChanged || hasEnded, subscriptions, ours);
    }

    private async Task<bool> SyncCreditsAsync(SyncToken token, CancellationToken cancellationToken)
    {
        var hasChanged = await credits.RunAsync(token.CustomerId, cancellationToken);
        if (hasChanged && token.IsAccountDeleted)
        {
            // Such as a bank debit that arrived after the deletion: nobody can use what it paid for.
            await tokens.MarkForReviewAsync(token, cancellationToken);
            Log.PaidAfterDeletion(logger, token.CustomerId);
        }

        return hasChanged;
    }

    /// <summary>Resumes a subscription that a trial without a way to pay has paused, where the customer has given one since.</summary>
    private async Task<bool> ResumeAsync(
        string customerId, IReadOnlyList<StripeSubscription> ours, CancellationToken cancellationToken)
    {
        var paused = ours.Where(static subscription => subscription.Status == "paused")
            .Select(static subscription => subscription.Id)
            .ToHashSet(StringComparer.Ordinal);
        if (paused.Count == 0)
            return false;
        var hasResumed = false;
        // Newest first: only the latest way to pay is tried, and under its key once.
        foreach (var session in await stripe.ListCompletedCheckoutsAsync(customerId, cancellationToken))
        {
            if (session.Resumes is not { } id || !paused.Remove(id) || session.ExpiresAt + ResumeTime < time.GetInstant()
                || await stripe.FindSetupPaymentMethodAsync(session.Id, cancellationToken) is not { } method)
                continue;
            try
            {
                await stripe.ResumeSubscriptionAsync(id, customerId, method, $"resume:{session.Id}", cancellationToken);
                hasResumed = true;
            }
            catch (StripeException exception) when (!exception.IsTransient)
            {
                Log.NotResumed(logger, id, exception.Message);
            }
        }

        return hasResumed;
    }

    /// <summary>Fetches what a sync looks at.</summary>
    public async Task<(IReadOnlyList<StripeSubscription> Subscriptions, bool IsGone)> FetchAsync(
        string customerId, string remembered, CancellationToken cancellationToken)
    {
        IReadOnlyList<StripeSubscription> subscriptions;
        try
        {
            subscriptions = await stripe.ListSubscriptionsAsync(customerId, cancellationToken);
        }
        catch (StripeException exception) when (exception.IsMissing)
        {
            subscriptions = [];
        }

        subscriptions = await overage.MarkAsync(subscriptions, cancellationToken);
        var inForce = PlanRules.InForce(subscriptions).ToList();
        if (inForce.Count > 0 && options.DisputeEndsPlan)
            subscriptions = await disputes.MarkAsync(customerId, subscriptions, inForce, remembered, cancellationToken);
        // Stripe ends the subscriptions of a customer that it deletes.
        if (inForce.Count > 0)
            return (subscriptions, IsGone: false);
        var customer = await stripe.FindCustomerAsync(customerId, cancellationToken);
        return (subscriptions, IsGone: customer is null or { Deleted: true });
    }

    /// <returns>How many were open.</returns>
    private async Task<int> CloseCheckoutsAsync(string customerId, CancellationToken cancellationToken)
    {
        var open = await ListOpenCheckoutsAsync(customerId, cancellationToken);
        foreach (var session in open)
            await stripe.ExpireCheckoutAsync(session.Id, cancellationToken);
        return open.Count;
    }

    private async Task<IReadOnlyList<string>> ListOrphanedAsync(
        string customerId, IEnumerable<StripeSubscription> ours, CancellationToken cancellationToken) =>
    [
        .. ours.Select(static subscription => subscription.Id),
        .. (await ListOpenCheckoutsAsync(customerId, cancellationToken)).Select(static session => session.Id),
    ];

    private async Task<IReadOnlyList<StripeCheckoutSession>> ListOpenCheckoutsAsync(string customerId, CancellationToken cancellationToken)
    {
        try
        {
            return await stripe.ListOpenCheckoutsAsync(customerId, cancellationToken);
        }
        catch (StripeException exception) when (exception.IsMissing)
        {
            return [];
        }
    }

    private async Task CancelAsync(
        string customerId, IReadOnlyList<StripeSubscription> subscriptions, CancellationToken cancellationToken)
    {
        if (subscriptions.Count > 0)
            await meters.SendAllOfAsync(customerId, cancellationToken);
        foreach (var subscription in subscriptions)
        {
            var isMetered = subscription.Items?.Data.Any(static item => item.Price is { IsMetered: true }) == true;
            await stripe.CancelSubscriptionAsync(subscription.Id, isMetered, cancellationToken);
            Log.Cancelled(logger, subscription.Id);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Customer {CustomerId} is on the {Plan} plan (subscription: {Status})")]
        public static partial void Applied(ILogger logger, string customerId, string plan, string status);

        [LoggerMessage(2, LogLevel.Warning, "Customer {CustomerId}, subscription {SubscriptionId}, needs review: {Flags}")]
        public static partial void Flagged(ILogger logger, string customerId, string? subscriptionId, string flags);

        [LoggerMessage(3, LogLevel.Warning, "Subscription {SubscriptionId} was cancelled: its account was deleted")]
        public static partial void Cancelled(ILogger logger, string subscriptionId);

        [LoggerMessage(4, LogLevel.Warning, "Subscription {SubscriptionId} stays paused: Stripe did not resume it ({Cause})")]
        public static partial void NotResumed(ILogger logger, string subscriptionId, string cause);

        [LoggerMessage(
            5, LogLevel.Warning,
            "Credits of customer {CustomerId} were paid or refunded after its account was deleted: review the payment")]
        public static partial void PaidAfterDeletion(ILogger logger, string customerId);
    }
}
