using PyResolve.Server.Access;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Checkout;

/// <summary>The account's one attempt to buy something, and its page at Stripe.</summary>
/// <param name="Price">The <see cref="Purchase.Key"/>.</param>
/// <param name="Replaced">The page of the attempt before, which may still be open.</param>
internal sealed record CheckoutAttempt(long Number, string CustomerId, string Price, string? SessionId, string? Url, string? Replaced)
{
    public bool IsFor(string price, string customerId) => Price == price && CustomerId == customerId;
}

/// <summary>The table of attempts: one row for each account.</summary>
internal sealed class CheckoutAttempts(Database database, BillingOptions options)
{
    private readonly string _origin = options.Origin;

    /// <summary>
    /// Begins an attempt. While a replaced session may still be open, the attempt stays, so that no session that can be paid is forgotten.
    /// </summary>
    public Task<CheckoutAttempt> BeginAsync(
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
    public Task<bool?> SaveSessionAsync(
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

    /// <summary>Begins the next attempt. Has no effect where a concurrent request has stored a session for this one.</summary>
    public Task<int> BeginNextAsync(
        Guid userId, CheckoutAttempt attempt, CancellationToken cancellationToken) => database.ExecuteAsync(
        $"""
        update billing_checkouts set attempt = attempt + 1, session_id = null, url = null
        where origin = {_origin} and user_id = {userId} and attempt = {attempt.Number}
          and (session_id is null or session_id = {attempt.SessionId})
        """,
        cancellationToken);

    public Task<int> RemoveReplacedAsync(Guid userId, string sessionId, CancellationToken cancellationToken) => database.ExecuteAsync(
        $"""
        update billing_checkouts set replaced_session_id = null
        where origin = {_origin} and user_id = {userId} and replaced_session_id = {sessionId}
        """,
        cancellationToken);

    /// <summary>Lists deleted accounts that may still have an open checkout: the nightly run closes it.</summary>
    public async Task<IReadOnlySet<Guid>> ListDeletedAccountsAsync(CancellationToken cancellationToken) => (await database.ListAsync(
        $"""
        select c.user_id from billing_checkouts c
        where c.origin = {_origin} and not exists (select 1 from profiles p where p.id = c.user_id and p.deleted_at is null)
        """,
        static row => row.Uuid(0),
        cancellationToken)).ToHashSet();

    public Task RemoveAsync(Guid userId, CancellationToken cancellationToken) => database.ExecuteAsync(
        $"delete from billing_checkouts where origin = {_origin} and user_id = {userId}", cancellationToken);
}
