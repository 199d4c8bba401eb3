using System.Diagnostics.Metrics;
using PyResolve.Server.Billing.Checkout;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Billing.Webhooks;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Reconciliation;

internal sealed record ReconciliationResult(int Compared, int Repaired, int Failed);

/// <summary>Finds what webhooks missed: events that did not arrive, and plans that differ from Stripe's subscriptions.</summary>
internal sealed partial class Reconciler(
    IStripeGateway stripe, Inbox inbox, CustomerSync sync, BillingCustomers customers, CustomerAdoption adoption,
    UnclaimedCustomers unclaimed, CheckoutAttempts checkouts, PlanCatalog plans, BillingOptions options, TimeProvider time,
    ILogger<Reconciler> logger)
{
    /// <summary>The most missing customers that count as deleted by hand, even if there are no others.</summary>
    private const int MaxMissing = 3;

    /// <summary>
    /// The most missing customers that Stripe is asked about one by one; if it has none of them, it has none of the others.
    /// </summary>
    private const int MaxAsked = 10;

    /// <summary>How long a webhook may still deliver a newer event.</summary>
    private static readonly TimeSpan MaxDeliveryTime = TimeSpan.FromMinutes(2);

    private static readonly Meter Meter = new("PyResolve.Server");

    private static readonly Counter<long> Missed = Meter.CreateCounter<long>(
        "pyresolve.billing.missed_events", "{event}", "Stripe's events that no webhook delivered");

    private static readonly Counter<long> Repaired = Meter.CreateCounter<long>(
        "pyresolve.billing.repaired_customers", "{customer}", "Customers whose plan differed from their subscriptions at Stripe");

    /// <returns>How many of the missed events a webhook should have delivered by now.</returns>
    public async Task<int> FetchMissedEventsAsync(DateTimeOffset since, CancellationToken cancellationToken)
    {
        var missed = 0;
        // An event newer than this is stored but never counted, so the time must be shorter than the interval between two runs.
        var deliveryTime = options.EventsInterval / 2 < MaxDeliveryTime ? options.EventsInterval / 2 : MaxDeliveryTime;
        var late = time.GetUtcNow() - deliveryTime;
        await foreach (var page in stripe.ListEventsAsync(since, StripeEvents.Subscribed, cancellationToken))
        {
            foreach (var listed in page)
            {
                if (ReceivedEvent.From(listed, options) is { } received
                    && await inbox.StoreAsync(received, cancellationToken)
                    && received.IgnoredBecause is null
                    && !(listed.Created > late))
                {
                    missed++;
                }
            }
        }

        Missed.Add(missed);
        if (missed > 0)
            Log.Missed(logger, missed);
        return missed;
    }

    /// <exception cref="StripeException">Most customers are missing: the key is another Stripe account's. Nothing was changed.</exception>
    public async Task<ReconciliationResult> CompareAllAsync(CancellationToken cancellationToken)
    {
        var startedAt = time.GetInstant();
        var atStripe = await ListByCustomerAsync(cancellationToken);
        await ThrowIfOtherAccountAsync(atStripe, cancellationToken);
        var deletedAccounts = await checkouts.ListDeletedAccountsAsync(cancellationToken);
        var (compared, repaired, failed) = (0, 0, 0);
        await foreach (var (customer, profile) in customers.ListWithProfilesAsync(cancellationToken))
        {
            atStripe.Remove(customer.Id, out var subscriptions);
            compared++;
            await CountAsync(() => profile is null && deletedAccounts.Contains(customer.UserId)
                ? CloseCheckoutsAsync(customer, cancellationToken)
                : RepairAsync(customer, profile, subscriptions ?? [], cancellationToken));
        }

        var named = await adoption.ListNamedByProfilesAsync(cancellationToken);
        foreach (var (customerId, subscriptions) in atStripe)
        {
            await CountAsync(async () =>
            {
                // Also those who came by a payment link: where no account is named, somebody pays for nothing.
                if (named.Contains(customerId)
                    || subscriptions.Exists(NamesAccount)
                    || await IsPayerAsync(subscriptions, cancellationToken))
                {
                    if (await adoption.TryAsync(customerId, cancellationToken))
                        return await sync.RunAsync(customerId, cancellationToken) is { HasChanged: true };
                    await unclaimed.NoteAsync(customerId, subscriptions, cancellationToken);
                }

                return false;
            });
        }

        if (failed == 0)
            await unclaimed.RemoveUnseenAsync(startedAt, cancellationToken);
        Repaired.Add(repaired);
        if (repaired > 0 || failed > 0)
            Log.Repaired(logger, compared, repaired, failed);
        return new ReconciliationResult(compared, repaired, failed);

        // A failure of one customer does not end the run.
        async Task CountAsync(Func<Task<bool>> repair)
        {
            try
            {
                if (await repair())
                    repaired++;
            }
            catch (StripeException exception)
            {
                failed++;
                Log.Failed(logger, exception.Message);
            }
        }
    }

    private async Task<bool> IsPayerAsync(IReadOnlyList<StripeSubscription> subscriptions, CancellationToken cancellationToken) =>
        (await sync.ListOursAsync(subscriptions, BillingState.None, cancellationToken)).Count > 0;

    private async Task<bool> RepairAsync(
        BillingCustomer customer, ProfilePlan? profile, List<StripeSubscription> subscriptions, CancellationToken cancellationToken) =>
        await IsOutOfStepAsync(customer, profile, subscriptions, cancellationToken)
        && await sync.RunAsync(customer.Id, cancellationToken) is { HasChanged: true };

    /// <summary>
    /// Closes open checkouts of a deleted account. The sync after its deletion may have failed, or have run before the checkout was
    /// created.
    /// </summary>
    private async Task<bool> CloseCheckoutsAsync(BillingCustomer customer, CancellationToken cancellationToken)
    {
        var synced = await sync.RunAsync(customer.Id, cancellationToken);
        await checkouts.RemoveAsync(customer.UserId, cancellationToken);
        return synced is { HasChanged: true };
    }

    private async Task<bool> IsOutOfStepAsync(
        BillingCustomer customer, ProfilePlan? profile, List<StripeSubscription> subscriptions, CancellationToken cancellationToken)
    {
        // The sync after the account's deletion failed.
        if (profile is null && (await sync.ListOursAsync(subscriptions, customer.State, cancellationToken)).Count > 0)
            return true;
        var now = await sync.ChooseStateAsync(subscriptions, customer.State, cancellationToken);
        return now != customer.State || (profile is not null && !profile.Matches(now, options.Origin, plans));
    }

    /// <summary>
    /// Throws where the key is of another Stripe account. Stripe lists ended subscriptions too, so what is missing was deleted with its
    /// customer, or is on a test clock.
    /// </summary>
    private async Task ThrowIfOtherAccountAsync(Dictionary<string, List<StripeSubscription>> atStripe, CancellationToken cancellationToken)
    {
        var known = 0;
        var missing = new List<string>();
        await foreach (var (customer, _) in customers.ListWithProfilesAsync(cancellationToken))
        {
            if (customer.State.SubscriptionId is null)
                continue;
            known++;
            if (!atStripe.ContainsKey(customer.Id))
                missing.Add(customer.Id);
        }

        var gone = await AskForMissingAsync(missing, atStripe, cancellationToken);
        if (gone <= MaxMissing || gone * 2 <= known)
            return;
        Log.OtherAccount(logger, gone, known);
        throw new StripeException(
            $"Stripe has no subscriptions of {gone} of {known} customers. Is STRIPE_SECRET_KEY a key of another Stripe account?");
    }

    /// <summary>
    /// Adds subscriptions that Stripe shows only when it is asked for the customer: those on test clocks, which live mode has not.
    /// </summary>
    /// <returns>How many customers Stripe does not have.</returns>
    private async Task<int> AskForMissingAsync(
        List<string> missing, Dictionary<string, List<StripeSubscription>> atStripe, CancellationToken cancellationToken)
    {
        if (options.IsLive)
            return missing.Count;
        var found = 0;
        for (var asked = 0; asked < missing.Count && (found > 0 || asked < MaxAsked); asked++)
        {
            var subscriptions = await FindSubscriptionsAsync(missing[asked], cancellationToken);
            if (subscriptions.Count == 0)
                continue;
            atStripe[missing[asked]] = [.. subscriptions];
            found++;
        }

        return missing.Count - found;
    }

    private async Task<IReadOnlyList<StripeSubscription>> FindSubscriptionsAsync(string customerId, CancellationToken cancellationToken)
    {
        try
        {
            return await stripe.ListSubscriptionsAsync(customerId, cancellationToken);
        }
        catch (StripeException exception) when (exception.IsMissing)
        {
            return [];
        }
    }

    private static bool NamesAccount(StripeSubscription subscription) =>
        !PlanRules.IsOver(subscription) && subscription.Metadata?.ContainsKey("user_id") == true;

    private async Task<Dictionary<string, List<StripeSubscription>>> ListByCustomerAsync(CancellationToken cancellationToken)
    {
        var found = new Dictionary<string, List<StripeSubscription>>(StringComparer.Ordinal);
        await foreach (var page in stripe.ListAllSubscriptionsAsync(cancellationToken))
        {
            foreach (var subscription in page.Where(static subscription => subscription.Customer is not null))
            {
                if (!found.TryGetValue(subscription.Customer!, out var ofCustomer))
                    found[subscription.Customer!] = ofCustomer = [];
                ofCustomer.Add(subscription);
            }
        }

        return found;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "{Count} of Stripe's events had not arrived by webhook; they are processed now")]
        public static partial void Missed(ILogger logger, int count);

        [LoggerMessage(
            2, LogLevel.Warning, "{Compared} customers were compared with Stripe: {Repaired} differed and were corrected, {Failed} failed")]
        public static partial void Repaired(ILogger logger, int compared, int repaired, int failed);

        [LoggerMessage(
            4, LogLevel.Error,
            "Stripe has no subscriptions of {Missing} of {Known} customers, so nothing was changed. Is STRIPE_SECRET_KEY a key of another "
            + "Stripe account? If these customers were deleted at Stripe, run 'stripe sync --all'")]
        public static partial void OtherAccount(ILogger logger, int missing, int known);

        [LoggerMessage(3, LogLevel.Warning, "A customer was not compared with Stripe: {Cause}")]
        public static partial void Failed(ILogger logger, string cause);
    }
}
