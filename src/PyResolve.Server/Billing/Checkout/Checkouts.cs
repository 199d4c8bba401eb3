using System.Globalization;
using PyResolve.Server.Access;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Checkout;

/// <summary>How a request to subscribe ended.</summary>
internal abstract record CheckoutOutcome
{
    private CheckoutOutcome()
    {
    }

    public sealed record Started(string Url) : CheckoutOutcome;

    public sealed record AlreadySubscribed(string PortalUrl) : CheckoutOutcome;

    /// <summary>Paid by a method that takes its time.</summary>
    public sealed record PaymentUnderWay : CheckoutOutcome;

    /// <summary>Another plan was asked for at the same moment.</summary>
    public sealed record Superseded : CheckoutOutcome;
}

/// <summary>One open checkout an account: asked for again it is the same one; for another plan, the old one is closed first.</summary>
internal sealed class Checkouts(
    Database database, CustomerLinks links, CustomerSync sync, IStripeGateway stripe, BillingOptions options, BillingLinks urls, TimeProvider time)
{
    private const int MostRounds = 5;

    /// <summary>The slowest bank debits take two weeks; what is unpaid then failed.</summary>
    private static readonly TimeSpan LongestPayment = TimeSpan.FromDays(21);

    private readonly string _origin = options.Origin;

    public async Task<CheckoutOutcome> StartAsync(Guid userId, string email, string price, CancellationToken cancellationToken)
    {
        var customer = await links.FindOrCreateAsync(userId, email, cancellationToken);
        var standing = await sync.RunAsync(customer.Id, cancellationToken);
        if (standing is null or { IsGone: true })
            customer = await links.FindOrCreateAsync(userId, email, cancellationToken);
        else if (standing.HasSubscription)
            return new CheckoutOutcome.AlreadySubscribed(await OpenPortalAsync(customer, cancellationToken));

        for (var round = 1; round <= MostRounds; round++)
        {
            var attempt = await BeginAsync(userId, customer.Id, price, cancellationToken);
            if (attempt.Replaced is { } replaced)
            {
                if (await CloseAsync(replaced, customer, cancellationToken) is { } inTheWay)
                    return inTheWay;
                await ForgetReplacedAsync(userId, replaced, cancellationToken);
                if (!attempt.IsFor(price, customer.Id))
                    continue;
            }

            if (await ResumeAsync(attempt, customer, cancellationToken) is { } resumed)
                return resumed;
            if (attempt.SessionId is null && await CreateAsync(userId, customer, price, attempt, cancellationToken) is { } created)
                return created;
            await RetireAsync(userId, attempt, cancellationToken);
        }

        return new CheckoutOutcome.Superseded();
    }

    public async Task<string> OpenPortalAsync(BillingCustomer customer, CancellationToken cancellationToken) =>
        (await stripe.CreatePortalAsync(customer.Id, urls.AfterPortal(customer), options.PortalConfiguration, cancellationToken)).Url;

    /// <summary>Accounts that are gone, whose checkout was not yet seen to be closed at night.</summary>
    public async Task<IReadOnlySet<Guid>> ListOutlivedAsync(CancellationToken cancellationToken) => (await database.ListAsync(
        $"""
        select c.user_id from billing_checkouts c
        where c.origin = {_origin} and not exists (select 1 from profiles p where p.id = c.user_id and p.deleted_at is null)
        """,
        static row => row.Uuid(0),
        cancellationToken)).ToHashSet();

    /// <summary>What an account that is gone asked for can be paid for no more.</summary>
    public Task ForgetAsync(Guid userId, CancellationToken cancellationToken) => database.ExecuteAsync(
        $"delete from billing_checkouts where origin = {_origin} and user_id = {userId}", cancellationToken);

    private async Task<CheckoutOutcome?> ResumeAsync(CheckoutAttempt attempt, BillingCustomer customer, CancellationToken cancellationToken)
    {
        if (attempt.SessionId is null)
            return null;
        var session = await stripe.FindCheckoutAsync(attempt.SessionId, cancellationToken);
        return session is { Status: StripeCheckoutSession.Open }
            ? new CheckoutOutcome.Started(session.Url ?? attempt.Url!)
            : await SeeWhatWasBoughtAsync(session, customer, cancellationToken);
    }

    /// <summary>A session that somebody went through stands in the way until what it sold is seen to be over, or can no longer come.</summary>
    /// <returns><see langword="null"/> where nothing is in the way of another checkout.</returns>
    private async Task<CheckoutOutcome?> SeeWhatWasBoughtAsync(
        StripeCheckoutSession? session, BillingCustomer customer, CancellationToken cancellationToken)
    {
        // What another customer bought ended with that customer.
        if (session is not { Status: StripeCheckoutSession.Complete } || session.Customer != customer.Id)
            return null;
        // It may have been paid for after the account was looked at.
        var now = await sync.RunAsync(customer.Id, cancellationToken);
        if (now is { HasSubscription: true })
            return new CheckoutOutcome.AlreadySubscribed(await OpenPortalAsync(customer, cancellationToken));
        var isOver = session.Subscription is not null && now?.Subscriptions.Any(subscription => subscription.Id == session.Subscription) == true;
        return isOver || session.ExpiresAt + LongestPayment < time.GetUtcNow() ? null : new CheckoutOutcome.PaymentUnderWay();
    }

    /// <returns><see langword="null"/> where Stripe has another request under this key.</returns>
    private async Task<CheckoutOutcome?> CreateAsync(
        Guid userId, BillingCustomer customer, string price, CheckoutAttempt attempt, CancellationToken cancellationToken)
    {
        if (attempt.Number > 1 && await CloseStraysAsync(userId, customer, attempt, cancellationToken) is { } inTheWay)
            return inTheWay;
        StripeCheckoutSession session;
        try
        {
            session = await stripe.CreateCheckoutAsync(
                new NewCheckout(userId, customer.Id, price, urls.AfterCheckout(customer), urls.CheckoutCancelled, attempt.Number),
                $"co:{_origin}:{userId}:{price}:{attempt.Number}",
                cancellationToken);
        }
        catch (StripeException exception) when (exception.Type == "idempotency_error" && exception.Status == 400)
        {
            return null;
        }
        catch (StripeException exception) when (exception.IsKeptUnderKey)
        {
            await RetireAsync(userId, attempt, CancellationToken.None);
            throw;
        }

        if (await KeepAsync(userId, attempt, session, cancellationToken) is not { } isKept)
        {
            // The sync that went with the deletion may have looked before this one was made.
            await CloseAsync(session.Id, customer, cancellationToken);
            throw AccountGone.Exception();
        }

        if (isKept)
            return new CheckoutOutcome.Started(session.Url!);
        return await CloseAsync(session.Id, customer, cancellationToken) ?? new CheckoutOutcome.Superseded();
    }

    /// <summary>What an earlier attempt made at Stripe although its answer was a failure, or never came.</summary>
    /// <returns>What was bought by it; <see langword="null"/> where nothing was.</returns>
    private async Task<CheckoutOutcome?> CloseStraysAsync(Guid userId, BillingCustomer customer, CheckoutAttempt attempt, CancellationToken cancellationToken)
    {
        foreach (var open in await stripe.ListOpenCheckoutsAsync(customer.Id, cancellationToken))
        {
            var isEarlier = open.ClientReferenceId == userId.ToString()
                && long.TryParse(open.Metadata?.GetValueOrDefault(NewCheckout.AttemptKey), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                && number < attempt.Number;
            if (isEarlier && await CloseAsync(open.Id, customer, cancellationToken) is { } inTheWay)
                return inTheWay;
        }

        return null;
    }

    /// <summary>
    /// The account's attempt, or a new one where that was for another plan or customer. Where one replaced is not known to be closed yet, it
    /// stays as it is: nothing that can be paid for is ever forgotten.
    /// </summary>
    private Task<CheckoutAttempt> BeginAsync(Guid userId, string customerId, string price, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            _ = await ProfilePlan.LockAsync(session, userId, cancellationToken) ?? throw AccountGone.Exception();
            await session.ExecuteAsync(
                $"""
                insert into billing_checkouts (origin, user_id, attempt, customer_id, price) values ({_origin}, {userId}, {1}, {customerId}, {price})
                on conflict do nothing
                """,
                cancellationToken);
            var stored = (await session.FirstAsync(
                $"""
                select attempt, customer_id, price, session_id, url, replaced_session_id from billing_checkouts
                where origin = {_origin} and user_id = {userId} {session.Engine.ForUpdate}
                """,
                static row => new CheckoutAttempt(row.Int64(0), row.Text(1), row.Text(2), row.TextOrNull(3), row.TextOrNull(4), row.TextOrNull(5)),
                cancellationToken))!;
            if (stored.Replaced is not null || stored.IsFor(price, customerId))
                return stored;

            var next = new CheckoutAttempt(stored.Number + 1, customerId, price, SessionId: null, Url: null, Replaced: stored.SessionId);
            await session.ExecuteAsync(
                $"""
                update billing_checkouts
                set attempt = {next.Number}, customer_id = {customerId}, price = {price}, session_id = null, url = null, replaced_session_id = {next.Replaced}
                where origin = {_origin} and user_id = {userId}
                """,
                cancellationToken);
            return next;
        },
        cancellationToken);

    /// <returns>Whether this is still the account's attempt; <see langword="null"/> where the account is gone.</returns>
    private Task<bool?> KeepAsync(Guid userId, CheckoutAttempt attempt, StripeCheckoutSession made, CancellationToken cancellationToken) =>
        database.WriteAsync<bool?>(
            async session =>
            {
                if (await ProfilePlan.LockAsync(session, userId, cancellationToken) is null)
                    return null;
                return await session.ExecuteAsync(
                    $"""
                    update billing_checkouts set session_id = {made.Id}, url = {made.Url}
                    where origin = {_origin} and user_id = {userId} and attempt = {attempt.Number} and (session_id is null or session_id = {made.Id})
                    """,
                    cancellationToken) == 1;
            },
            cancellationToken);

    /// <summary>The next one begins, unless another request has made this one's session meanwhile.</summary>
    private Task<int> RetireAsync(Guid userId, CheckoutAttempt attempt, CancellationToken cancellationToken) => database.ExecuteAsync(
        $"""
        update billing_checkouts set attempt = attempt + 1, session_id = null, url = null
        where origin = {_origin} and user_id = {userId} and attempt = {attempt.Number} and (session_id is null or session_id = {attempt.SessionId})
        """,
        cancellationToken);

    private Task<int> ForgetReplacedAsync(Guid userId, string sessionId, CancellationToken cancellationToken) => database.ExecuteAsync(
        $"""
        update billing_checkouts set replaced_session_id = null
        where origin = {_origin} and user_id = {userId} and replaced_session_id = {sessionId}
        """,
        cancellationToken);

    /// <returns>What was bought by it; <see langword="null"/> where nothing was, and nothing can be.</returns>
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
            return await SeeWhatWasBoughtAsync(session, customer, cancellationToken);
        }
    }

    private sealed record CheckoutAttempt(long Number, string CustomerId, string Price, string? SessionId, string? Url, string? Replaced)
    {
        public bool IsFor(string price, string customerId) => Price == price && CustomerId == customerId;
    }
}
