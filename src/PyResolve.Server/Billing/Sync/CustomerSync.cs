using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Sync;

/// <summary>What a sync found.</summary>
/// <param name="Standing">What is stored now.</param>
/// <param name="HasSubscription">Whether the customer has a subscription that is not over, whatever its state.</param>
/// <param name="IsGone">Whether the customer was deleted at Stripe.</param>
/// <param name="HasChanged">Whether something was out of step.</param>
/// <param name="Subscriptions">All that Stripe showed, the ended ones too.</param>
internal sealed record SyncResult(
    Standing Standing, bool HasSubscription, bool IsGone, bool HasChanged, IReadOnlyList<StripeSubscription> Subscriptions);

/// <summary>What a sync would change.</summary>
/// <param name="OtherPlan">The profile's plan, where it says something else than Stripe does now.</param>
/// <param name="Outlived">The subscriptions in force and the open checkouts of an account that is gone: they are ended.</param>
internal sealed record SyncPreview(Standing Before, Standing Now, string? OtherPlan, IReadOnlyList<string> Outlived)
{
    public bool IsOutOfStep => Before != Now || OtherPlan is not null || Outlived.Count > 0;
}

/// <summary>
/// Sets an account's plan from its customer's subscriptions as Stripe has them now. The one way by which Stripe changes a plan: events
/// only say when. No transaction is open while Stripe is asked. Thread-safe.
/// </summary>
internal sealed partial class CustomerSync(
    BillingCustomers customers, IStripeGateway stripe, PriceMap prices, BillingOptions options, TimeProvider time, ILogger<CustomerSync> logger)
{
    private static readonly TimeSpan RenewInterval = BillingCustomers.LeaseTime / 3;

    private static readonly TimeSpan LongestDispute = TimeSpan.FromDays(120);

    /// <summary>Fetches and writes now, whoever else does: the fence keeps the later fetch.</summary>
    /// <returns><see langword="null"/> where no account has this customer.</returns>
    public async Task<SyncResult?> RunAsync(string customerId, CancellationToken cancellationToken) =>
        await customers.TakeNumberAsync(customerId, lease: null, cancellationToken) is { } number ? await RunAsync(number, cancellationToken) : null;

    /// <summary>As <see cref="RunAsync(string, CancellationToken)"/>, under a lease, so that fetches for one customer are few.</summary>
    /// <returns>Whether it was this one's turn.</returns>
    public async Task<bool> TryWorkAsync(string customerId, CancellationToken cancellationToken)
    {
        var lease = Guid.CreateVersion7(time.GetUtcNow());
        if (await customers.TakeNumberAsync(customerId, lease, cancellationToken) is not { } number)
            return false;
        using var working = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var renewing = RenewAsync(number, working.Token);
        var isDone = false;
        try
        {
            await RunAsync(number, cancellationToken);
            return isDone = true;
        }
        finally
        {
            await working.CancelAsync();
            await renewing;
            if (!isDone)
                await ReleaseAsync(number);
        }
    }

    /// <summary>What a sync would find, without writing it.</summary>
    /// <param name="customerId">The customer.</param>
    /// <param name="userId">Whose it is, or would be.</param>
    /// <param name="cancellationToken">Abandons it.</param>
    public async Task<SyncPreview> PreviewAsync(string customerId, Guid userId, CancellationToken cancellationToken)
    {
        var known = await customers.FindAsync(customerId, cancellationToken);
        var before = known?.Standing ?? Standing.None;
        var (subscriptions, isGone) = await FetchAsync(customerId, cancellationToken);
        var now = isGone ? Standing.None : await JudgeAsync(subscriptions, before, cancellationToken);
        var profile = await customers.FindProfileAsync(userId, cancellationToken);
        return new SyncPreview(
            before,
            now,
            profile is null || profile.Follows(now, options.Origin) ? null : profile.Plan,
            profile is null && known is { IsLinked: true } ? await ListOutlivedAsync(customerId, subscriptions, cancellationToken) : []);
    }

    public async Task<Standing> JudgeAsync(IReadOnlyList<StripeSubscription> subscriptions, Standing before, CancellationToken cancellationToken) =>
        PlanRules.Judge(subscriptions, await prices.ResolveAsync(subscriptions, cancellationToken), before, options.Grace, time.GetInstant());

    private async Task<SyncResult> RunAsync(SyncNumber number, CancellationToken cancellationToken)
    {
        // First, so that what is paid for until then is seen.
        var hasEnded = number.AccountIsGone && await CloseCheckoutsAsync(number.CustomerId, cancellationToken) > 0;
        var (subscriptions, isGone) = await FetchAsync(number.CustomerId, cancellationToken);
        var inForce = PlanRules.InForce(subscriptions).ToList();
        // Before anything is done with: what fails here is tried again.
        if (number.AccountIsGone)
        {
            await CancelAsync(inForce, cancellationToken);
            hasEnded |= inForce.Count > 0;
        }

        var planOfPrice = await prices.ResolveAsync(subscriptions, cancellationToken);
        var applied = await customers.ApplyAsync(
            number,
            isGone ? null : before => PlanRules.Judge(subscriptions, planOfPrice, before, options.Grace, time.GetInstant()),
            cancellationToken);

        if (applied is { IsNewest: true, HasChanged: true })
            Log.Applied(logger, number.CustomerId, applied.Standing.Plan, applied.Standing.Status ?? "none");
        if (applied is { IsNewest: true, HasChanged: true, Standing.Flags.Length: > 0 })
            Log.Flagged(logger, number.CustomerId, applied.Standing.SubscriptionId, applied.Standing.Flags);
        return new SyncResult(applied.Standing, inForce.Count > 0, isGone, applied.HasChanged || hasEnded, subscriptions);
    }

    /// <summary>A deleted customer's subscriptions are over, so that only one without any is asked for.</summary>
    private async Task<(IReadOnlyList<StripeSubscription> Subscriptions, bool IsGone)> FetchAsync(string customerId, CancellationToken cancellationToken)
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

        var inForce = PlanRules.InForce(subscriptions).ToList();
        if (inForce.Count > 0)
            return (options.DisputeEndsPlan ? await MarkDisputedAsync(customerId, subscriptions, inForce, cancellationToken) : subscriptions, IsGone: false);
        var customer = await stripe.FindCustomerAsync(customerId, cancellationToken);
        return (subscriptions, IsGone: customer is null or { Deleted: true });
    }

    private async Task<IReadOnlyList<StripeSubscription>> MarkDisputedAsync(
        string customerId, IReadOnlyList<StripeSubscription> subscriptions, List<StripeSubscription> inForce, CancellationToken cancellationToken)
    {
        // Checkout subscribes once it is paid for: what paid may be older. Stripe lets a payment be disputed for about 120 days.
        var since = inForce.Min(static subscription => subscription.Created) is { } first ? first - LongestDispute : DateTimeOffset.UnixEpoch;
        var disputes = (await stripe.ListDisputesAsync(customerId, since, cancellationToken)).Where(static dispute => dispute.FundsWithdrawn).ToList();
        // A payment does not name its subscription. Whoever subscribed again after a dispute has paid anew.
        return [.. subscriptions.Select(subscription => subscription with { IsDisputed = disputes.Exists(dispute => !(dispute.Created < subscription.Created)) })];
    }

    /// <summary>Nobody is to pay for what a deleted account asked for.</summary>
    /// <returns>How many were open.</returns>
    private async Task<int> CloseCheckoutsAsync(string customerId, CancellationToken cancellationToken)
    {
        var open = await ListOpenCheckoutsAsync(customerId, cancellationToken);
        foreach (var session in open)
            await stripe.ExpireCheckoutAsync(session.Id, cancellationToken);
        return open.Count;
    }

    private async Task<IReadOnlyList<string>> ListOutlivedAsync(
        string customerId, IEnumerable<StripeSubscription> subscriptions, CancellationToken cancellationToken) =>
    [
        .. PlanRules.InForce(subscriptions).Select(static subscription => subscription.Id),
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

    /// <summary>Nobody can use what a deleted account pays for.</summary>
    private async Task CancelAsync(IEnumerable<StripeSubscription> subscriptions, CancellationToken cancellationToken)
    {
        foreach (var subscription in subscriptions)
        {
            await stripe.CancelSubscriptionAsync(subscription.Id, cancellationToken);
            Log.Cancelled(logger, subscription.Id);
        }
    }

    /// <summary>After a failure: what succeeded has given its lease back in the same transaction.</summary>
    private async Task ReleaseAsync(SyncNumber number)
    {
        try
        {
            await customers.ReleaseAsync(number, CancellationToken.None);
        }
        catch (StoreUnavailableException exception)
        {
            Log.NotRenewed(logger, number.CustomerId, exception.Message);
        }
    }

    private async Task RenewAsync(SyncNumber number, CancellationToken cancellationToken)
    {
        // Real time, whatever clock the rest is given: that is what the work takes.
        using var timer = new PeriodicTimer(RenewInterval, TimeProvider.System);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
                await customers.RenewAsync(number, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // The work is done.
        }
        catch (StoreUnavailableException exception)
        {
            // Another may take over; the fence keeps the later one's result.
            Log.NotRenewed(logger, number.CustomerId, exception.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Customer {CustomerId} is on the {Plan} plan (subscription: {Status})")]
        public static partial void Applied(ILogger logger, string customerId, string plan, string status);

        [LoggerMessage(2, LogLevel.Warning, "Customer {CustomerId}, subscription {SubscriptionId}, needs a look: {Flags}")]
        public static partial void Flagged(ILogger logger, string customerId, string? subscriptionId, string flags);

        [LoggerMessage(3, LogLevel.Warning, "Subscription {SubscriptionId} was cancelled: its account was deleted")]
        public static partial void Cancelled(ILogger logger, string subscriptionId);

        [LoggerMessage(4, LogLevel.Warning, "The lease on customer {CustomerId} was neither renewed nor given back: {Cause}")]
        public static partial void NotRenewed(ILogger logger, string customerId, string cause);
    }
}
