using PyResolve.Server.Access;
using PyResolve.Server.Billing.Stripe;
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
    Database database, CustomerLinks links, CustomerSync sync, IStripeGateway stripe, BillingOptions options, BillingLinks urls)
{
    private const int MostRounds = 3;

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
                await CloseAsync(replaced, cancellationToken);
            if (await ResumeAsync(attempt, cancellationToken) is { } resumed)
                return resumed;
            if (attempt.SessionId is null && await CreateAsync(userId, customer, price, attempt, cancellationToken) is { } created)
                return created;
            await RetireAsync(userId, attempt, cancellationToken);
        }

        return new CheckoutOutcome.Superseded();
    }

    public async Task<string> OpenPortalAsync(BillingCustomer customer, CancellationToken cancellationToken) =>
        (await stripe.CreatePortalAsync(customer.Id, urls.AfterPortal(customer), options.PortalConfiguration, cancellationToken)).Url;

    private async Task<CheckoutOutcome?> ResumeAsync(CheckoutAttempt attempt, CancellationToken cancellationToken)
    {
        if (attempt.SessionId is null)
            return null;
        return await stripe.FindCheckoutAsync(attempt.SessionId, cancellationToken) switch
        {
            { Status: StripeCheckoutSession.Open } open => new CheckoutOutcome.Started(open.Url ?? attempt.Url!),
            { Status: StripeCheckoutSession.Complete, PaymentStatus: "unpaid" } => new CheckoutOutcome.PaymentUnderWay(),
            _ => null,
        };
    }

    /// <returns><see langword="null"/> where Stripe has another request under this key.</returns>
    private async Task<CheckoutOutcome?> CreateAsync(
        Guid userId, BillingCustomer customer, string price, CheckoutAttempt attempt, CancellationToken cancellationToken)
    {
        StripeCheckoutSession session;
        try
        {
            session = await stripe.CreateCheckoutAsync(
                new NewCheckout(userId, customer.Id, price, urls.AfterCheckout(customer), urls.CheckoutCancelled),
                $"co:{_origin}:{userId}:{price}:{attempt.Number}",
                cancellationToken);
        }
        catch (StripeException exception) when (exception.Type == "idempotency_error" && exception.Status == 400)
        {
            return null;
        }

        if (await KeepAsync(userId, attempt, session, cancellationToken))
            return new CheckoutOutcome.Started(session.Url!);
        await CloseAsync(session.Id, cancellationToken);
        return new CheckoutOutcome.Superseded();
    }

    /// <summary>The account's attempt, or a new one where that was for another plan or customer.</summary>
    private Task<CheckoutAttempt> BeginAsync(Guid userId, string customerId, string price, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            _ = await session.FirstAsync($"select plan from profiles where id = {userId} {session.Engine.ForUpdate}", static row => row.Text(0), cancellationToken)
                ?? throw AccountGone.Exception();
            await session.ExecuteAsync(
                $"""
                insert into billing_checkouts (origin, user_id, attempt, customer_id, price) values ({_origin}, {userId}, {1}, {customerId}, {price})
                on conflict do nothing
                """,
                cancellationToken);
            var stored = (await session.FirstAsync(
                $"""
                select attempt, session_id, url, price, customer_id from billing_checkouts
                where origin = {_origin} and user_id = {userId} {session.Engine.ForUpdate}
                """,
                static row => new
                {
                    Attempt = new CheckoutAttempt(row.Int64(0), row.TextOrNull(1), row.TextOrNull(2), Replaced: null),
                    Price = row.Text(3),
                    CustomerId = row.Text(4),
                },
                cancellationToken))!;
            if (stored.Price == price && stored.CustomerId == customerId)
                return stored.Attempt;

            var next = new CheckoutAttempt(stored.Attempt.Number + 1, SessionId: null, Url: null, Replaced: stored.Attempt.SessionId);
            await session.ExecuteAsync(
                $"""
                update billing_checkouts set attempt = {next.Number}, customer_id = {customerId}, price = {price}, session_id = null, url = null
                where origin = {_origin} and user_id = {userId}
                """,
                cancellationToken);
            return next;
        },
        cancellationToken);

    /// <returns>Whether this is still the account's attempt.</returns>
    private async Task<bool> KeepAsync(Guid userId, CheckoutAttempt attempt, StripeCheckoutSession session, CancellationToken cancellationToken) =>
        await database.ExecuteAsync(
            $"""
            update billing_checkouts set session_id = {session.Id}, url = {session.Url}
            where origin = {_origin} and user_id = {userId} and attempt = {attempt.Number} and (session_id is null or session_id = {session.Id})
            """,
            cancellationToken) == 1;

    private Task<int> RetireAsync(Guid userId, CheckoutAttempt attempt, CancellationToken cancellationToken) => database.ExecuteAsync(
        $"""
        update billing_checkouts set attempt = attempt + 1, session_id = null, url = null
        where origin = {_origin} and user_id = {userId} and attempt = {attempt.Number}
        """,
        cancellationToken);

    private async Task CloseAsync(string sessionId, CancellationToken cancellationToken)
    {
        try
        {
            await stripe.ExpireCheckoutAsync(sessionId, cancellationToken);
        }
        catch (StripeException exception) when (!exception.MayPass)
        {
            // It is not open any more.
        }
    }

    private sealed record CheckoutAttempt(long Number, string? SessionId, string? Url, string? Replaced);
}
