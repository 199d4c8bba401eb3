using System.Globalization;
using PyResolve.Server.Access;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Billing.Checkout;

internal abstract record CheckoutOutcome
{
    private CheckoutOutcome()
    {
    }

    public sealed record Started(string Url) : CheckoutOutcome;

    public sealed record AlreadySubscribed(string PortalUrl) : CheckoutOutcome;

    /// <summary>An operator gave the account this plan without an end, and nothing is less than it.</summary>
    public sealed record GivenByOperator(string Plan) : CheckoutOutcome;

    /// <summary>The purchase is paid by a method that takes days, such as a bank debit.</summary>
    public sealed record PaymentPending : CheckoutOutcome;

    public sealed record Superseded : CheckoutOutcome;
}

/// <summary>Opens checkouts, at most one for an account: the same one for the same plan; for another plan it is closed first.</summary>
internal sealed class Checkouts(
    CheckoutAttempts attempts, BillingCustomers customers, CustomerLinks links, CustomerSync sync, IStripeGateway stripe, PlanCatalog plans,
    BillingOptions options, BillingLinks urls, TimeProvider time)
{
    private const int MaxRounds = 5;

    /// <summary>How long a payment may take. The slowest bank debits take two weeks; one that has not arrived by then has failed.</summary>
    private static readonly TimeSpan MaxPaymentTime = TimeSpan.FromDays(21);

    private readonly string _origin = options.Origin;

    public async Task<CheckoutOutcome> StartAsync(Guid userId, string email, Purchase purchase, CancellationToken cancellationToken)
    {
        if (await FindGivenPlanAsync(userId, purchase.Plan, cancellationToken) is { } given)
            return new CheckoutOutcome.GivenByOperator(given);
        var (customer, isNew) = await links.FindOrCreateAsync(userId, email, cancellationToken);
        var isFirst = isNew;
        if (!isNew)
        {
            var state = await sync.RunAsync(customer.Id, cancellationToken);
            if (state is null or { IsGone: true })
                (customer, _) = await links.FindOrCreateAsync(userId, email, cancellationToken);
            else if (state is { HasSubscription: true, Paused: null })
                return new CheckoutOutcome.AlreadySubscribed(await OpenPortalAsync(customer, cancellationToken));
            else
                await CancelIncompleteAsync(state, cancellationToken);
            purchase = purchase.InPlaceOf(state?.Paused);
            isFirst = state is null or { IsGone: true } or { Subscriptions.Count: 0 };
        }

        var price = purchase.Key;

        for (var round = 1; round <= MaxRounds; round++)
        {
            var attempt = await attempts.BeginAsync(userId, customer.Id, price, cancellationToken);
            if (attempt.Replaced is { } replaced)
            {
                if (await CloseAsync(replaced, customer, cancellationToken) is { } blocking)
                    return blocking;
                await attempts.RemoveReplacedAsync(userId, replaced, cancellationToken);
                if (!attempt.IsFor(price, customer.Id))
                    continue;
            }

            // Not before the page that could have resumed it is closed.
            if (purchase.Replaces is { } paused)
                await CancelAsync(paused, cancellationToken);
            if (await ResumeAsync(attempt, customer, cancellationToken) is { } resumed)
                return resumed;
            if (attempt.SessionId is null
                && await CreateAsync(userId, customer, purchase, isFirst, attempt, cancellationToken) is { } created)
                return created;
            await attempts.BeginNextAsync(userId, attempt, cancellationToken);
        }

        return new CheckoutOutcome.Superseded();
    }

    public async Task<string> OpenPortalAsync(BillingCustomer customer, CancellationToken cancellationToken)
    {
        var returnUrl = urls.AfterPortal(customer.ReturnToken);
        var portal = await stripe.CreatePortalAsync(customer.Id, returnUrl, options.PortalConfiguration, cancellationToken);
        await customers.ResetReturnIntervalAsync(customer.Id, cancellationToken);
        return portal.Url;
    }

    /// <summary>
    /// Finds the plan that an operator gave, where it is no less than the wanted one: a subscription would be paid for nothing.
    /// </summary>
    /// <returns>null where it would give more, or where the operator's plan ends.</returns>
    private async Task<string?> FindGivenPlanAsync(Guid userId, Plan wanted, CancellationToken cancellationToken)
    {
        var profile = await customers.FindProfileAsync(userId, cancellationToken);
        var given = profile is { IsSetByOperator: true } ? profile.Plan : profile is { OverrideUntil: null } ? profile.Override : null;
        if (given is null)
            return null;
        var isMore = plans.Rank(wanted.Name) > plans.Rank(given) || (wanted.PerSeat && plans.Rank(wanted.Name) == plans.Rank(given));
        return isMore ? null : given;
    }

    /// <summary>
    /// Cancels incomplete subscriptions, so that the first payment of an earlier attempt cannot be made beside that of the new one.
    /// </summary>
    private async Task CancelIncompleteAsync(SyncResult state, CancellationToken cancellationToken)
    {
        foreach (var incomplete in state.Incomplete)
            await CancelAsync(incomplete.Id, cancellationToken);
    }

    private async Task CancelAsync(string subscriptionId, CancellationToken cancellationToken)
    {
        try
        {
            await stripe.CancelSubscriptionAsync(subscriptionId, invoicesUsage: false, cancellationToken);
        }
        catch (StripeException exception) when (exception.IsMissing)
        {
            // It has ended by itself.
        }
    }

    private async Task<CheckoutOutcome?> ResumeAsync(CheckoutAttempt attempt, BillingCustomer customer, CancellationToken cancellationToken)
    {
        if (attempt.SessionId is null)
            return null;
        var session = await stripe.FindCheckoutAsync(attempt.SessionId, cancellationToken);
        return session is { Status: StripeCheckoutSession.Open }
            ? await StartedAsync(customer, session.Url ?? attempt.Url!, cancellationToken)
            : await ReadPurchaseAsync(session, customer, cancellationToken);
    }

    private async Task<CheckoutOutcome> StartedAsync(BillingCustomer customer, string url, CancellationToken cancellationToken)
    {
        await customers.ResetReturnIntervalAsync(customer.Id, cancellationToken);
        return new CheckoutOutcome.Started(url);
    }

    /// <summary>
    /// Reads whether a session was completed: it prevents another checkout until its subscription has ended, or its payment has failed.
    /// </summary>
    private async Task<CheckoutOutcome?> ReadPurchaseAsync(
        StripeCheckoutSession? session, BillingCustomer customer, CancellationToken cancellationToken)
    {
        // A session of an earlier customer ended with that customer.
        if (session is not { Status: StripeCheckoutSession.Complete } || session.Customer != customer.Id)
            return null;
        // The payment may have come after the last sync.
        var now = await sync.RunAsync(customer.Id, cancellationToken);
        if (now is { HasSubscription: true, Paused: null })
            return new CheckoutOutcome.AlreadySubscribed(await OpenPortalAsync(customer, cancellationToken));
        // A way to pay that resumed nothing, in the sync before, can be replaced by another.
        var isOver = session.Resumes is not null
            || (session.Subscription is not null
                && now?.Subscriptions.Any(subscription => subscription.Id == session.Subscription) == true);
        return isOver || session.ExpiresAt + MaxPaymentTime < time.GetUtcNow() ? null : new CheckoutOutcome.PaymentPending();
    }

    /// <returns>null where Stripe has another request under this idempotency key.</returns>
    private async Task<CheckoutOutcome?> CreateAsync(
        Guid userId, BillingCustomer customer, Purchase purchase, bool isFirst, CheckoutAttempt attempt,
        CancellationToken cancellationToken)
    {
        if (attempt.Number > 1 && await CloseUnknownCheckoutsAsync(userId, customer, attempt, cancellationToken) is { } blocking)
            return blocking;
        var (success, cancel) = (urls.AfterCheckout(customer.ReturnToken), urls.CheckoutCancelled);
        var checkout = new NewCheckout(userId, customer.Id, purchase.PriceId, success, cancel, attempt.Number)
        {
            Quantity = purchase.Price.IsMetered ? null : purchase.Quantity,
            TrialDays = isFirst ? purchase.Plan.TrialDays : null,
            TrialNeedsCard = purchase.Plan.TrialNeedsCard,
        };
        StripeCheckoutSession session;
        try
        {
            var key = $"co:{_origin}:{userId}:{purchase.Key}:{attempt.Number}";
            session = purchase.Resumes is { } paused
                ? await stripe.CreateSetupAsync(
                    new NewSetup(userId, customer.Id, paused, purchase.Price.Currency, success, cancel, attempt.Number),
                    key,
                    cancellationToken)
                : await stripe.CreateCheckoutAsync(checkout, key, cancellationToken);
        }
        catch (StripeException exception) when (exception.Type == "idempotency_error" && exception.Status == 400)
        {
            return null;
        }
        catch (StripeException exception) when (exception.IsKeptUnderKey)
        {
            await attempts.BeginNextAsync(userId, attempt, CancellationToken.None);
            throw;
        }

        if (await attempts.SaveSessionAsync(userId, attempt, session, cancellationToken) is not { } isKept)
        {
            // The sync after the deletion may have run before this session existed.
            await CloseAsync(session.Id, customer, cancellationToken);
            throw AccountGone.Exception();
        }

        if (isKept)
            return await StartedAsync(customer, session.Url!, cancellationToken);
        return await CloseAsync(session.Id, customer, cancellationToken) ?? new CheckoutOutcome.Superseded();
    }

    /// <summary>Closes sessions of earlier attempts that Stripe created although its answer was a failure, or did not arrive.</summary>
    private async Task<CheckoutOutcome?> CloseUnknownCheckoutsAsync(
        Guid userId, BillingCustomer customer, CheckoutAttempt attempt, CancellationToken cancellationToken)
    {
        foreach (var open in await stripe.ListOpenCheckoutsAsync(customer.Id, cancellationToken))
        {
            var attemptText = open.Metadata?.GetValueOrDefault(NewCheckout.AttemptKey);
            var isEarlier = open.ClientReferenceId == userId.ToString()
                && long.TryParse(attemptText, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                && number < attempt.Number;
            if (isEarlier && await CloseAsync(open.Id, customer, cancellationToken) is { } blocking)
                return blocking;
        }

        return null;
    }

    /// <returns>What was bought by the session; null where nothing was, and nothing can be.</returns>
    private async Task<CheckoutOutcome?> CloseAsync(string sessionId, BillingCustomer customer, CancellationToken cancellationToken)
    {
        try
        {
            await stripe.ExpireCheckoutAsync(sessionId, cancellationToken);
            return null;
        }
        catch (StripeException exception) when (!exception.IsTransient)
        {
            var session = await stripe.FindCheckoutAsync(sessionId, cancellationToken);
            if (session is { Status: StripeCheckoutSession.Open })
                throw;
            return await ReadPurchaseAsync(session, customer, cancellationToken);
        }
    }
}
