using System.Globalization;
using PyResolve.Server.Access;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Checkout;

internal abstract record CheckoutOutcome
{
    private CheckoutOutcome()
    {
    }

    public sealed record Started(string Url) : CheckoutOutcome;

    public sealed record AlreadySubscribed(string PortalUrl) : CheckoutOutcome;

    /// <summary>An operator gave the account this plan for good, and nothing is less than it.</summary>
    public sealed record GivenByOperator(string Plan) : CheckoutOutcome;

    /// <summary>Paid by a method that takes days, such as a bank debit.</summary>
    public sealed record PaymentPending : CheckoutOutcome;

    public sealed record Superseded : CheckoutOutcome;
}

/// <summary>What a checkout is for.</summary>
/// <param name="PriceId">Stripe's id of the price.</param>
/// <param name="Quantity">How many seats.</param>
internal sealed record Purchase(Plan Plan, CatalogPrice Price, string PriceId, int Quantity)
{
    /// <summary>A subscription that a trial without a card has paused: a way to pay is asked for in place of a new one.</summary>
    public string? Resumes { get; init; }

    /// <summary>A paused subscription to something else, which ends first: nothing was ever paid for it.</summary>
    public string? Replaces { get; init; }

    /// <summary>A checkout for another price or number of seats takes the place of the open one.</summary>
    public string Key => Resumes is not null ? $"resumes:{Resumes}"
        : Quantity == 1 ? PriceId
        : string.Create(CultureInfo.InvariantCulture, $"{PriceId}*{Quantity}");

    /// <summary>A paused subscription goes on only if it is just what was chosen: the page that asks for a card shows no price.</summary>
    public Purchase InPlaceOf(StripeSubscription? paused) => paused is null ? this
        : IsOf(paused) ? this with { Resumes = paused.Id }
        : this with { Replaces = paused.Id };

    /// <summary>Metered items beside it are extras.</summary>
    private bool IsOf(StripeSubscription subscription) =>
        (subscription.Items?.Data ?? []).Where(item => item.Price?.Id == PriceId || item.Price is not { IsMetered: true }).ToList()
            is [var only] && only.Price?.Id == PriceId && (Price.IsMetered || (only.Quantity ?? 1) == Quantity);
}

/// <summary>At most one open checkout per account: the same one for the same plan; for another plan it is closed first.</summary>
internal sealed class Checkouts(
    Database database, BillingCustomers customers, CustomerLinks links, CustomerSync sync, IStripeGateway stripe, PlanCatalog plans,
    BillingOptions options, BillingLinks urls, TimeProvider time)
{
    private const int MaxRounds = 5;

    /// <summary>The slowest bank debits take two weeks; a payment that has not arrived by then has failed.</summary>
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
            var attempt = await BeginAsync(userId, customer.Id, price, cancellationToken);
            if (attempt.Replaced is { } replaced)
            {
                if (await CloseAsync(replaced, customer, cancellationToken) is { } blocking)
                    return blocking;
                await RemoveReplacedAsync(userId, replaced, cancellationToken);
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
            await BeginNextAttemptAsync(userId, attempt, cancellationToken);
        }

        return new CheckoutOutcome.Superseded();
    }

    public async Task<string> OpenPortalAsync(BillingCustomer customer, CancellationToken cancellationToken)
    {
        var returnUrl = urls.AfterPortal(customer.ReturnToken);
        var portal = await stripe.CreatePortalAsync(customer.Id, returnUrl, options.PortalConfiguration, cancellationToken);
        await customers.AllowReturnAsync(customer.Id, cancellationToken);
        return portal.Url;
    }

    /// <summary>Deleted accounts that may still have an open checkout: the nightly run closes it.</summary>
    public async Task<IReadOnlySet<Guid>> ListDeletedAccountsAsync(CancellationToken cancellationToken) => (await database.ListAsync(
        $"""
        select c.user_id from billing_checkouts c
        where c.origin = {_origin} and not exists (select 1 from profiles p where p.id = c.user_id and p.deleted_at is null)
        """,
        static row => row.Uuid(0),
        cancellationToken)).ToHashSet();

    public Task RemoveAsync(Guid userId, CancellationToken cancellationToken) => database.ExecuteAsync(
        $"delete from billing_checkouts where origin = {_origin} and user_id = {userId}", cancellationToken);

    /// <summary>A subscription to no more than what an operator gave would be paid for nothing.</summary>
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

    /// <summary>So that the first payment of an earlier attempt cannot be made beside that of the new one.</summary>
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
            ? new CheckoutOutcome.Started(session.Url ?? attempt.Url!)
            : await ReadPurchaseAsync(session, customer, cancellationToken);
    }

    /// <summary>A completed session prevents another checkout until its subscription has ended, or its payment has failed.</summary>
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
            await BeginNextAttemptAsync(userId, attempt, CancellationToken.None);
            throw;
        }

        if (await SaveSessionAsync(userId, attempt, session, cancellationToken) is not { } isKept)
        {
            // The sync after the deletion may have run before this session existed.
            await CloseAsync(session.Id, customer, cancellationToken);
            throw AccountGone.Exception();
        }

        if (isKept)
        {
            await customers.AllowReturnAsync(customer.Id, cancellationToken);
            return new CheckoutOutcome.Started(session.Url!);
        }

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

    /// <summary>While a replaced session may still be open, the attempt stays, so that no session that can be paid is forgotten.</summary>
    private Task<CheckoutAttempt> BeginAsync(
        Guid userId, string customerId, string price, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            _ = await ProfilePlan.LockAsync(session, userId, cancellationToken) ?? throw AccountGone.Exception();
            await session.ExecuteAsync(
                $"""
                insert into billing_checkouts (origin, user_id, attempt, customer_id, price)
                values ({_origin}, {userId}, {1}, {customerId}, {price})
                on conflict do nothing
                """,
                cancellationToken);
            var stored = (await session.FirstAsync(
                $"""
                select attempt, customer_id, price, session_id, url, replaced_session_id from billing_checkouts
                where origin = {_origin} and user_id = {userId} {session.Engine.ForUpdate}
                """,
                static row => new CheckoutAttempt(
                    row.Int64(0), row.Text(1), row.Text(2), row.TextOrNull(3), row.TextOrNull(4), row.TextOrNull(5)),
                cancellationToken))!;
            if (stored.Replaced is not null || stored.IsFor(price, customerId))
                return stored;

            var next = new CheckoutAttempt(stored.Number + 1, customerId, price, SessionId: null, Url: null, Replaced: stored.SessionId);
            await session.ExecuteAsync(
                $"""
                update billing_checkouts
                set attempt = {next.Number}, customer_id = {customerId}, price = {price},
                    session_id = null, url = null, replaced_session_id = {next.Replaced}
                where origin = {_origin} and user_id = {userId}
                """,
                cancellationToken);
            return next;
        },
        cancellationToken);

    /// <returns>Whether this is still the account's attempt; null where the account is deleted.</returns>
    private Task<bool?> SaveSessionAsync(
        Guid userId, CheckoutAttempt attempt, StripeCheckoutSession session, CancellationToken cancellationToken) =>
        database.WriteAsync<bool?>(
            async transaction =>
            {
                if (await ProfilePlan.LockAsync(transaction, userId, cancellationToken) is null)
                    return null;
                return await transaction.ExecuteAsync(
                    $"""
                    update billing_checkouts set session_id = {session.Id}, url = {session.Url}
                    where origin = {_origin} and user_id = {userId} and attempt = {attempt.Number}
                      and (session_id is null or session_id = {session.Id})
                    """,
                    cancellationToken) == 1;
            },
            cancellationToken);

    /// <summary>Has no effect where a concurrent request has stored a session for this attempt.</summary>
    private Task<int> BeginNextAttemptAsync(
        Guid userId, CheckoutAttempt attempt, CancellationToken cancellationToken) => database.ExecuteAsync(
        $"""
        update billing_checkouts set attempt = attempt + 1, session_id = null, url = null
        where origin = {_origin} and user_id = {userId} and attempt = {attempt.Number}
          and (session_id is null or session_id = {attempt.SessionId})
        """,
        cancellationToken);

    private Task<int> RemoveReplacedAsync(Guid userId, string sessionId, CancellationToken cancellationToken) => database.ExecuteAsync(
        $"""
        update billing_checkouts set replaced_session_id = null
        where origin = {_origin} and user_id = {userId} and replaced_session_id = {sessionId}
        """,
        cancellationToken);

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

    private sealed record CheckoutAttempt(long Number, string CustomerId, string Price, string? SessionId, string? Url, string? Replaced)
    {
        public bool IsFor(string price, string customerId) => Price == price && CustomerId == customerId;
    }
}
